"""Spark's "this work was cancelled" becomes `JobCanceled` where it comes out of py4j, in the job's own threads.

There the answer of the JVM has been read whole, so raising is safe; and a job's `except Exception` does not keep it.
"""

from typing import Any

from mist_worker_host.driver.interrupt import JobCanceled
from mist_worker_host.driver.run import CURRENT


def raise_cancels() -> None:
    """Patch py4j, and have pyspark put its own handling of errors around that again."""
    from py4j import protocol  # noqa: PLC0415 (loaded with pyspark)
    from pyspark.errors.exceptions.captured import install_exception_handler  # noqa: PLC0415

    original = protocol.get_return_value

    def get_return_value(answer: Any, gateway_client: Any, target_id: Any = None, name: Any = None) -> Any:
        try:
            return original(answer, gateway_client, target_id, name)
        except protocol.Py4JJavaError as error:
            run = CURRENT.get()
            if run is not None and run.cancel_requested and run.worker is not None and run.worker.tag in str(error):
                run.disturbed = True
                raise JobCanceled from error
            raise

    protocol.get_return_value = get_return_value
    install_exception_handler()
