"""Opens the directories that neptune-exporter wrote."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pennant.registries.catalogue import Given
from pennant.registries.neptune import attributes
from pennant.registries.neptune.export import Export
from pennant.registries.neptune.registry import Neptune
from pennant.registries.protocol import NoAccess, Registry
from pennant.registries.stored import Stored

MODELS, MODEL_FILES = "model_data", "model_files"
RUNS, RUN_FILES = "data", "files"
"""Names of the directories, as the exporter has them without options."""


@asynccontextmanager
async def opened(given: Given) -> AsyncIterator[Registry]:
    """Open an export; raises `NoAccess` where there is none."""
    if not given.address:
        raise NoAccess(f"no export is given; use --from DIRECTORY, which has the directory {MODELS}")
    root = Path(given.address).expanduser()
    if not root.is_dir():
        raise NoAccess(f"{root} is no directory; give the one that has the directory {MODELS}")
    models = Export(_only(root, MODELS), root / MODEL_FILES, "model_versions")
    described = Export(models.data, models.files, "models")
    runs = Export(root / RUNS, root / RUN_FILES, "")
    stored = Stored(given.now)
    try:
        yield Neptune(models, described, runs, attributes.read, stored, given.repository)
    finally:
        await stored.close()


def _only(root: Path, name: str) -> Path:
    if not (root / name).is_dir():
        raise NoAccess(
            f"{root} has no directory {name}; give the directory below which `neptune-exporter export-models` wrote "
            f"{MODELS} and {MODEL_FILES}"
        )
    return root / name
