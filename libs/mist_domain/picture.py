"""The state diagram of a job, drawn from `TRANSITIONS` as Mermaid text: `python -m mist_domain.picture`."""

from mist_domain.job import TRANSITIONS, AfterLoss, Status


def state_diagram() -> str:
    """One line per transition, in the order of the table."""
    lines = ["stateDiagram-v2", "    [*] --> initialized: JobInitialized"]
    for status, moves in TRANSITIONS.items():
        if status is Status.UNKNOWN:
            continue
        for event, target in moves.items():
            targets = (target.retry, target.give_up) if isinstance(target, AfterLoss) else (target,)
            lines += [f"    {status.word} --> {one.word}: {event.__name__}" for one in targets]
    lines += [f"    {status.word} --> [*]" for status in Status if status.final]
    return "\n".join(lines)


if __name__ == "__main__":
    print(state_diagram())  # noqa: T201 - a command prints
