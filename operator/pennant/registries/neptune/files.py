"""Which files of an object are the model, which are code and which are documents, by the paths of their attributes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pennant.record.artifacts import FORMATS
from pennant.registries.neptune import tracked
from pennant.registries.neptune.export import Export, below
from pennant.registries.neptune.known import Attributes
from pennant.registries.neptune.tracked import TrackedFile
from pennant.registries.notes import Notes
from pennant.registries.protocol import RegistryError

MODEL_SPACES = frozenset({"model", "models", "weights", "checkpoint", "checkpoints", "artifact", "artifacts"})
"""First words of the paths of files that are the model. Without such a file, all files are."""
CODE_SPACE, OWN_SPACES = "source_code", ("sys", "monitoring", "source_code")
REQUIREMENTS, DIFF = "source_code/requirements", "source_code/diff"
MAX_ARTIFACTS = 16
LISTED = "list:"
"""Before the URI of a file that lists tracked files."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file or directory of the export, or files that Neptune only tracked."""

    name: str
    """Path of the attribute."""
    path: Path | None
    """None: Neptune tracked it, and the export does not have it."""
    tracked: tuple[TrackedFile, ...] = ()
    listed: Path | None = None
    """The file of the export that lists the tracked files."""

    @property
    def place(self) -> str:
        """Where the importer finds it again."""
        return f"{LISTED}{self.listed.as_uri()}" if self.listed is not None else str(self.path and self.path.as_uri())

    @property
    def uri(self) -> str | None:
        """Where it is; None: it is not known."""
        if self.path is None:
            return tracked.uri_of(self.tracked)
        return f"{self.path.as_uri()}/" if self.path.is_dir() else self.path.as_uri()

    @property
    def size(self) -> int | None:
        """In bytes; None: it is not known."""
        if self.path is not None:
            return sum(each.stat().st_size for _, each in below(self.path))
        sizes = [each.size for each in self.tracked if each.size is not None]
        return sum(sizes) if len(sizes) == len(self.tracked) else None

    @property
    def format(self) -> str | None:
        """What the names of the files say; None: nothing, or several formats."""
        names = (
            [name or self.name for name, _ in below(self.path)] if self.path else [each.path for each in self.tracked]
        )
        found = {FORMATS[suffix] for each in names if (suffix := Path(each).suffix.lower()) in FORMATS}
        return found.pop() if len(found) == 1 else None


@dataclass(slots=True)
class Files:
    """The files of an object, each kind by the path of its attribute."""

    models: list[Found] = field(default_factory=list)
    documents: list[Found] = field(default_factory=list)
    data: list[Found] = field(default_factory=list)
    """Artefacts that Neptune tracked."""
    code: Found | None = None
    requirements: Path | None = None
    has_diff: bool = False


def of(attributes: Attributes, export: Export, directory: str, notes: Notes) -> Files:
    """Return the files of an object. One that the export does not have is noted."""
    found = Files()
    others: list[Found] = []
    for each in _all(attributes, export, directory, notes):
        space = each.name.partition("/")[0]
        if each.name == REQUIREMENTS:
            found.requirements = each.path
        elif each.name.startswith(DIFF):
            found.has_diff = True
        elif space == CODE_SPACE:
            found.code = found.code or each
        elif space in OWN_SPACES:
            continue
        elif space.lower() in MODEL_SPACES:
            found.models.append(each)
        else:
            (others if each.path is not None else found.data).append(each)
    if found.models:
        found.documents = others
    else:
        found.models = others
    if len(found.models) > MAX_ARTIFACTS:
        notes.add(f"the record has the first {MAX_ARTIFACTS} of {len(found.models)} files")
        found.models = found.models[:MAX_ARTIFACTS]
    return found


def _all(attributes: Attributes, export: Export, directory: str, notes: Notes) -> Iterator[Found]:
    for name, each in sorted(attributes.values.items()):
        if each.type == "file_series":
            notes.add(f"{name} has {each.count} files, one for each step, so the record does not have them")
        elif each.type in ("file", "file_set", "artifact"):
            try:
                yield _one(name, each.type, export.file(directory, str(each.value or "")))
            except RegistryError as error:
                notes.add(f"{name} is left out: {error}")


def _one(name: str, kind: str, path: Path) -> Found:
    if kind == "artifact":
        return Found(name, None, tracked.read(path), path)
    if not path.exists() or not any(below(path)):
        raise RegistryError(f"the export has no file {path}; copy the directory model_files as well")
    return Found(name, path)


def labelled(found: list[Found]) -> Mapping[str, Found]:
    """Return files by names that a record can have: letters, digits and dashes, each once."""
    names: dict[str, Found] = {}
    for each in found:
        label = re.sub("[^a-z0-9]+", "-", each.name.lower()).strip("-")[-60:].strip("-") or "file"
        free = (label if n == 1 else f"{label[:58]}-{n}" for n in range(1, len(found) + 2))
        names[next(word for word in free if word not in names)] = each
    return names
