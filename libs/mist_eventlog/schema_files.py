"""Where the schemas are: beside this package when it is installed, at the repository's root when it is not."""

from pathlib import Path

_INSTALLED = Path(__file__).parent / "schemas"
_REPOSITORY = Path(__file__).parents[2] / "schemas"


def schemas_folder() -> Path:
    for folder in (_INSTALLED, _REPOSITORY):
        if (folder / "topics.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no schemas in {_INSTALLED} nor in {_REPOSITORY}: install the distribution again")
