"""The lines of one attempt: whole, in order, bounded, in batches."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from mist_domain.facts.logs import LogLine
from mist_driver.output.job_log import BATCH_LINES, LINE_LENGTH, JobLog

Batches = list[list[LogLine]]


def made(kept_bytes: int = 1_000_000) -> tuple[JobLog, Batches, list[JobLog]]:
    batches: Batches = []
    woken: list[JobLog] = []
    return JobLog(batches.append, woken.append, kept_bytes), batches, woken


def sent(batches: Batches) -> list[tuple[str, str]]:
    return [(line.level, line.text) for batch in batches for line in batch]


def test_a_line_is_whole_when_its_end_is_written() -> None:
    log, batches, woken = made()
    log.write("INFO", "a")
    assert not woken
    log.write("INFO", "b\nc\nd")
    assert woken == [log]
    log.flush()
    assert sent(batches) == [("INFO", "ab"), ("INFO", "c")]
    log.close()
    assert sent(batches)[2:] == [("INFO", "d")]


def test_the_sender_is_woken_once_per_batch() -> None:
    log, _, woken = made()
    log.add("INFO", ["1"])
    log.add("INFO", ["2"])
    log.flush()
    log.add("INFO", ["3"])
    assert woken == [log, log]


def test_streams_and_threads_do_not_mix_in_a_line() -> None:
    log, batches, _ = made()
    log.write("INFO", "out ")
    log.write("WARNING", "err ")
    thread = threading.Thread(target=log.write, args=("INFO", "other thread\n"))
    thread.start()
    thread.join()
    log.write("INFO", "more\n")
    log.close()
    assert sent(batches) == [("INFO", "other thread"), ("INFO", "out more"), ("WARNING", "err ")]


def test_what_is_over_the_limit_is_counted() -> None:
    log, batches, _ = made(kept_bytes=20)
    log.add("INFO", ["123456789", "123456789", "ü", ""])
    log.add("INFO", ["short"])
    log.close()
    assert sent(batches) == [
        ("INFO", "123456789"),
        ("INFO", "123456789"),
        ("WARNING", "A job may print 20 bytes. What this one prints from here on is not kept."),
        ("WARNING", "10 more bytes were printed and not kept"),
    ]


def test_after_the_end_nothing_is_taken() -> None:
    log, batches, woken = made()
    log.close()
    log.add("INFO", ["late"])
    log.write("INFO", "late\n")
    log.close()
    assert (batches, woken) == ([], [])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=50))
def test_what_is_written_in_pieces_is_told_whole(pieces: list[str]) -> None:
    log, batches, _ = made()
    for piece in pieces:
        log.write("INFO", piece)
    log.close()
    whole = "".join(pieces)
    assert "\n".join(text for _, text in sent(batches)) == whole.removesuffix("\n")


def test_batches_and_lines_have_a_largest_size() -> None:
    log, batches, _ = made(kept_bytes=10**8)
    log.add("INFO", ["x"] * (2 * BATCH_LINES + 1))
    log.add("INFO", ["y" * 10_000] * 100)
    log.write("INFO", "z" * (5 * LINE_LENGTH))
    log.close()
    assert all(len(batch) <= BATCH_LINES for batch in batches)
    assert all(sum(len(line.text) for line in batch) <= 300_000 for batch in batches)
    assert "".join(text for _, text in sent(batches)).count("z") == 5 * LINE_LENGTH


def test_what_is_no_unicode_becomes_question_marks() -> None:
    log, batches, _ = made()
    log.add("INFO", ["a\ud800b"])
    log.close()
    assert sent(batches) == [("INFO", "a?b")]
