"""`python -m mist_worker_host`: settings, Java, state folder, then the service until the process is stopped."""

import sys

from mist_runtime.java import JavaNotFoundError, find_java
from mist_runtime.process import STOP_SECONDS
from mist_runtime.service import configure, run_service
from mist_worker_host.drivers.state_folder import FolderTakenError, StateFolder
from mist_worker_host.service import HostService
from mist_worker_host.settings import WorkerHostSettings


def main() -> None:
    settings = configure("host", WorkerHostSettings)
    try:
        java = find_java()
        folder = StateFolder(settings.state)
    except (JavaNotFoundError, FolderTakenError, OSError) as error:
        sys.exit(str(error))
    grace = settings.grace_seconds + settings.stop_seconds + STOP_SECONDS
    run_service(settings, lambda health, stop: HostService(settings, folder, java, health).serve(stop), grace=grace)


if __name__ == "__main__":
    main()
