"""`python -m mist_tools.run.reference`: write the table in docs/settings.md from the settings classes."""

from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from mist_bridge.settings import BridgeSettings
from mist_eventlog.address import PREFIX
from mist_gateway.settings import GatewaySettings
from mist_scheduler.settings import SchedulerSettings
from mist_tools.run.settings import ROOT, RunSettings
from mist_worker_host.settings import WorkerHostSettings

PROCESSES: dict[str, type[BaseSettings]] = {
    "gateway": GatewaySettings,
    "scheduler": SchedulerSettings,
    "host": WorkerHostSettings,
    "bridge": BridgeSettings,
    "make run": RunSettings,
}
PAGE = ROOT / "docs/settings.md"
BEGIN, END = "<!-- settings -->", "<!-- end of settings -->"


def table() -> str:
    """Markdown: name, who reads it, default, meaning."""
    rows = [f"| {name} | {readers} | {default} | {meaning} |" for name, readers, default, meaning in _rows()]
    return "\n".join(["| setting | read by | default | meaning |", "|---|---|---|---|", *rows])


def into(page: str) -> str:
    """The page with this table in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _rows() -> Iterator[tuple[str, str, str, str]]:
    fields: dict[str, FieldInfo] = {}
    readers: dict[str, list[str]] = {}
    for process, settings in PROCESSES.items():
        for name, field in settings.model_fields.items():
            fields.setdefault(name, field)
            readers.setdefault(name, []).append(process)
    services = [name for name in PROCESSES if name != "make run"]
    for name in sorted(fields, key=lambda name: (-len(readers[name]), readers[name], name)):
        who = "all services" if readers[name][:4] == services else ", ".join(readers[name])
        yield (
            f"`{PREFIX}{name.upper()}`",
            who,
            _default(fields[name]),
            (fields[name].description or "").replace("|", "\\|"),
        )


def _default(field: FieldInfo) -> str:
    default = field.default
    if default is PydanticUndefined:
        return "by the machine"
    if default is None or default == "":
        return ""
    if isinstance(default, Path):
        default = default.relative_to(ROOT) if default.is_absolute() else default
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def main() -> None:
    PAGE.write_text(into(PAGE.read_text()))


if __name__ == "__main__":
    main()
