"""What is known of a version and of the run that logged it, from a server or from the files of an offline run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pennant.api.meta import Json


def of_client(identity: str) -> str:
    """Return the URI of an artefact that no server has a number of yet."""
    return f"wandb-client-artifact://{identity}"


@dataclass(frozen=True, slots=True)
class Used:
    """Another artefact, such as a data set that a run used."""

    entity: str
    project: str
    name: str
    version: str
    type: str
    digest: str | None
    client: str = ""
    """The identifier that it had before a server gave it a number; empty: it has a number."""

    @property
    def uri(self) -> str:
        """Where it is, as W&B writes it."""
        return (
            of_client(self.client)
            if self.client
            else f"wandb-artifact://{self.entity}/{self.project}/{self.name}:{self.version}"
        )


@dataclass(frozen=True, slots=True)
class Run:
    """The run that logged a version."""

    entity: str
    project: str
    id: str
    """What W&B calls the name of a run in its API; people see `title`."""
    title: str = ""
    config: Json = field(default_factory=dict)
    """Values by name, without what W&B adds itself."""
    summary: Json = field(default_factory=dict)
    """The last value of each metric."""
    directions: Mapping[str, str] = field(default_factory=dict)
    """`Maximize` or `Minimize`, by the name of a metric."""
    commit: str = ""
    remote: str = ""
    path: str = ""
    """Of the program in the repository."""
    arguments: tuple[str, ...] = ()
    """Of the program."""
    has_changes: bool | None = None
    """Whether the working tree had uncommitted changes; None: it is not known."""
    author: str = ""
    email: str = ""
    notes: str = ""
    tags: tuple[str, ...] = ()
    group: str = ""
    job_type: str = ""
    sweep: str = ""
    state: str = ""
    started: str | None = None
    finished: str | None = None
    python: str = ""
    requirements: bytes | None = None
    inputs: tuple[Used, ...] = ()
    code: Used | None = None
    """The artefact with the code, where the run logged one."""
    unknown: tuple[str, ...] = ()
    """What could not be read, each a sentence."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a model."""

    app: str
    """Address of the pages for people; empty: there is none."""
    instance: str
    """Where the registry is, for `spec.source`."""
    page: str
    """Where the version can be viewed; empty: nowhere."""
    uri: str
    """Where the artefact is, as W&B writes it."""
    model: str
    name: str
    aliases: tuple[str, ...]
    artifact: Json
    """Fields as W&B's API has them: description, metadata, digest, size, createdAt and so on."""
    collection: Json
    """Fields of the collection as W&B's API has them."""
    contents: Mapping[str, Json]
    """The manifest: an entry for each path; empty: it is not known."""
    run: Run | None
    repository: str | None
    """Where the code is, if the run does not say it."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """What else is known, for the annotations of the source."""
