"""The thread that sends what jobs print, every tenth of a second while there is something."""

import threading
import time

from mist_worker_host.driver.job_log import JobLog

EVERY = 0.1


class LogSender:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[JobLog] = []
        self._some = threading.Event()
        threading.Thread(target=self._run, name="log-sender", daemon=True).start()

    def wake(self, log: JobLog) -> None:
        with self._lock:
            self._waiting.append(log)
        self._some.set()

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(EVERY)
            with self._lock:
                waiting, self._waiting = self._waiting, []
                self._some.clear()
            for log in waiting:
                log.flush()
