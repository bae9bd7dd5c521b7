"""`python -m mist_worker_host`: settings, state folder, health page, then the service until the process is stopped."""

import sys

from mist_runtime.health import Health, serve_health
from mist_runtime.java import JavaNotFoundError, find_java
from mist_runtime.logs import configure_logs
from mist_runtime.process import STOP_SECONDS, run
from mist_runtime.settings import read_settings
from mist_worker_host.drivers.state_folder import FolderTakenError, StateFolder
from mist_worker_host.service import HostService
from mist_worker_host.settings import WorkerHostSettings


def main() -> None:
    settings = read_settings(WorkerHostSettings)
    configure_logs("host", settings.log_level, settings.log_format)
    health = Health()
    serve_health(health, settings.health_host, settings.health_port)
    try:
        java = find_java()
        folder = StateFolder(settings.state)
    except (JavaNotFoundError, FolderTakenError, OSError) as error:
        sys.exit(str(error))
    grace = settings.grace_seconds + settings.stop_seconds + STOP_SECONDS
    run(HostService(settings, folder, java, health).serve, grace=grace)


if __name__ == "__main__":
    main()
