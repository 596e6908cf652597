"""What a registry offers to the importer: its versions, one after the other, in the words of the record."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable


class RegistryError(Exception):
    """A registry cannot be read; the message names the cause and what to do."""


class NoAccess(RegistryError):
    """Nothing of the registry can be read: its address or the credentials are wrong. Going on is of no use."""


class NoSuchPath(NoAccess):
    """A server that has not answered yet does not know the path: it is another registry, or another version of it."""


class NotThere(RegistryError):
    """The registry does not have what was asked for."""


class Refused(RegistryError):
    """The registry does not accept the request."""


class Unreadable(RegistryError):
    """The registry fails with an error of its own, as for a file in a store that it cannot reach."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which versions of a model are read."""

    is_all: bool = False
    """All; otherwise the newest one, and those with an alias."""
    since: datetime | None = None
    """Only versions that were created at this time or later, and of those all."""
    known: Callable[[str, str], bool] | None = None
    """Takes the name of a version and the address of its registry, and returns whether its record is there already.
    A registry that lists versions without reading them gives such a version as `Unread`; others read it again."""
    ends_at_known: bool = False
    """Whether a list of the newest versions may end at the first one that is known, as all older ones are known."""


@dataclass(frozen=True, slots=True)
class FoundVersion:
    """All that a registry holds of a version."""

    model: str
    """Name of the model in the registry."""
    version: str
    """Name of the version in the registry."""
    record: Mapping[str, Any]
    """Fields of `spec` of a ModelVersion, without model, version and tags; `parent` as the registry names it."""
    aliases: tuple[str, ...] = ()
    """Names that the registry lets point to this version."""
    unknown: tuple[str, ...] = ()
    """What could not be read or does not fit into a record, each a sentence."""
    place: Mapping[str, str] = field(default_factory=dict)
    """What the registry's own module needs to find the files of the artefact."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A version that has no record yet, or none any more."""

    model: str
    version: str
    why: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A version that cannot be read."""

    model: str
    version: str
    why: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A version that is known (`Selection.known`), so its record is not read again."""

    model: str
    version: str
    aliases: tuple[str, ...] = ()


Item = FoundVersion | Skipped | Failed
"""What a version that was read is."""
Found = Item | Unread


@dataclass(frozen=True, slots=True)
class File:
    """A file of an artefact."""

    path: str
    """Path in the artefact, with `/`; empty: the artefact is this file."""
    size: int | None
    """In bytes; None: the registry does not say it."""
    artifact: str = "model"
    """Name of the artefact in the record."""
    digest: str | None = None
    """What the registry says of the bytes, as `<algorithm>:<value>`."""
    remedy: str = ""
    """What to do if the bytes are other ones, for a store whose files do not change by reading them again."""


class Registry(Protocol):
    """A registry that is open. Each method raises `RegistryError`."""

    def models(self) -> AsyncIterator[str]:
        """Yield the names of all models, page by page."""
        ...

    def versions(self, model: str, selection: Selection) -> AsyncIterator[Found]:
        """Yield versions of a model, page by page. One that cannot be read does not end it.

        Raises `NotThere` where the registry has no such model.
        """
        ...

    def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of all artefacts of a version."""
        ...

    def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file of an artefact."""
        ...


@runtime_checkable
class Watchable(Protocol):
    """What a registry may offer besides: which of its models changed, for less than their versions cost."""

    def states(self, models: Sequence[str]) -> AsyncIterator[tuple[str, str]]:
        """Yield these models, or all of them if none is named, each with a text that differs if any version may.

        A text that is the same as before says that nothing was registered and no alias moved since. A named model that
        does not exist is left out.
        """
        ...
