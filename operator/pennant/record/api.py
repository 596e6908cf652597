"""`pennant.register()`: the last line of a training pipeline in Python."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pennant.api.meta import Json
from pennant.api.version_status import Bump
from pennant.kube.http.client import Client
from pennant.kube.http.connection import Connection
from pennant.ports import PortError
from pennant.record import cluster, files, inputs, metrics
from pennant.record.errors import Duplicate, RegisterError, Taken
from pennant.record.inputs import Given
from pennant.record.merging import Part
from pennant.record.metrics import Reading
from pennant.record.numbering import Known, Wish
from pennant.record.progress import Silent, meter
from pennant.record.registration import Draft, Registration, Request, draft, finished

__all__ = ["Duplicate", "RegisterError", "Registered", "Taken", "register"]
ResultT = TypeVar("ResultT")
PathLike = str | os.PathLike[str]
Words = str | os.PathLike[str] | Sequence[str]
REQUEST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Registered:
    """A new version of a model."""

    version: str
    name: str
    """The name of the ModelVersion: `<model>-<version>`."""
    manifest: Json
    yaml: str
    """The manifest as YAML, with comments."""
    path: Path | None
    """The file that was written; None: none was."""
    parent: str | None
    bump: str | None
    """`Major`, `Minor` or `Patch`: what was incremented; None: there is no parent."""
    reasons: tuple[str, ...]
    """Why the version has this number."""
    warnings: tuple[str, ...]
    incomplete: tuple[str, ...]
    """The elements of a complete record that are missing."""
    digests: Mapping[str, str]
    """What the digest of each artefact and data set is worth: `Verified`, `Recorded`, `Weak` or `None`."""


def register(
    model: str,
    artifact: Words | Mapping[str, PathLike] | None = None,
    *,
    uri: str | Mapping[str, str] | None = None,
    metrics: PathLike | Mapping[str, Any] | Sequence[Mapping[str, Any] | str] | None = None,
    params: PathLike | Mapping[str, Any] | None = None,
    env: PathLike | None = None,
    dataset: Mapping[str, PathLike] | None = None,
    validation_dataset: Mapping[str, PathLike] | None = None,
    test_dataset: Mapping[str, PathLike] | None = None,
    maximize: str | Sequence[str] = (),
    minimize: str | Sequence[str] = (),
    schema: PathLike | Mapping[str, Any] | None = None,
    spec: PathLike | Mapping[str, Any] | None = None,
    author: str | None = None,
    reason: str | None = None,
    created_at: datetime | str | int | None = None,
    parent: str | None = None,
    bump: str | None = None,
    version: str | None = None,
    tags: str | Sequence[str] = (),
    write: PathLike | None = None,
    manifests: Words = (),
    apply: bool = False,
    namespace: str | None = None,
    kubeconfig: str | None = None,
    context: str | None = None,
    progress: bool = True,
) -> Registered:
    """Register a new version of a model, and return it. The options of `pennant register` explain the arguments.

    With `write`, the manifest is a new file in that directory, and with `apply`, a new object in the cluster; with
    neither it is only returned. Raises `Duplicate` where a version with the same content exists, and `RegisterError`
    for any other reason for which none was registered.
    """
    if apply and write is not None:
        raise RegisterError("give write or apply, not both: what is written is applied from Git")
    directions = {
        name: word for word, names in (("Maximize", maximize), ("Minimize", minimize)) for name in _many(names)
    }
    measured = _metrics(metrics, directions)
    inputs.checked_directions(measured, directions)
    request = Request(
        model=model,
        artifacts=inputs.artifacts_of(_named(artifact)),
        uris={inputs.MAIN: uri} if isinstance(uri, str) else dict(uri or {}),
        datasets=inputs.datasets_of(
            {
                "Training": _named(dataset),
                "Validation": _named(validation_dataset),
                "Test": _named(test_dataset),
            }
        ),
        given=inputs.given(Given(author, reason, created_at, _read(schema), _read(spec))),
        files=(*measured, *([inputs.parameters_of(_read(params))] if params is not None else [])),
        lock=Path(env) if env is not None else None,
        wish=Wish(version, parent, _bump(bump)),
        tags=_many(tags),
        namespace=namespace,
        in_process=True,
        meter=meter() if progress else Silent(),
    )
    made = draft(request, os.environ, datetime.now(UTC))
    places = tuple(Path(each) for each in _many(manifests))
    if apply:
        return _result(_applied(made, namespace, kubeconfig, context))
    if write is not None:
        return _result(*files.register(Path(write), places, made))
    return _result(finished(made, files.known(places, request) if places else Known()))


def _result(made: Registration, path: Path | None = None) -> Registered:
    one = made.number
    return Registered(
        version=one.version,
        name=made.name,
        manifest=made.manifest,
        yaml=made.yaml,
        path=path,
        parent=one.parent,
        bump=str(one.bump) if one.bump is not None else None,
        reasons=one.reasons,
        warnings=made.warnings,
        incomplete=tuple(str(each) for each in made.incomplete),
        digests={name: str(each) for name, each in made.strengths.items()},
    )


def _applied(made: Draft, namespace: str | None, kubeconfig: str | None, context: str | None) -> Registration:
    async def work() -> Registration:
        connection = Connection(kubeconfig, context)
        where = namespace or connection.namespace or "default"
        async with Client(connection, total_seconds=REQUEST_SECONDS) as client:
            return (await cluster.register(client, where, made))[0]

    try:
        return _run(work)
    except PortError as error:
        raise RegisterError(f"the cluster did not take the version: {error}") from error


def _run(work: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
    """Run a coroutine in a thread of its own: the caller, such as a notebook, may have a running loop."""
    found: list[ResultT] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(asyncio.run(work()))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="pennant.register")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def _metrics(value: Any, directions: Mapping[str, str]) -> tuple[Part, ...]:
    if value is None:
        return ()
    if isinstance(value, str | os.PathLike):
        return tuple(inputs.metrics_of([os.fspath(value)], directions))
    if isinstance(value, Sequence) and value and all(isinstance(each, str) for each in value):
        return tuple(inputs.metrics_of(value, directions))
    return (metrics.of_values(value, Reading("metrics", None, directions)),)


def _named(value: Words | Mapping[str, PathLike] | None) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        return tuple(f"{name}={os.fspath(each)}" for name, each in value.items())
    return () if value is None else _many(value)


def _many(value: Words) -> tuple[str, ...]:
    return (os.fspath(value),) if isinstance(value, str | os.PathLike) else tuple(value)


def _read(value: PathLike | Mapping[str, Any] | None) -> Any:
    return Path(value) if isinstance(value, str | os.PathLike) else value


def _bump(word: str | None) -> Bump | None:
    if word is None:
        return None
    found = {each.lower(): each for each in (Bump.MAJOR, Bump.MINOR, Bump.PATCH)}.get(word.lower())
    if found is None:
        raise RegisterError(f"bump is {word}; it must be major, minor or patch")
    return found
