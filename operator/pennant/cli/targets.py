"""From what a user named to the ModelDeployments of the cluster."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import click

from pennant.api.meta import Json
from pennant.cli import names
from pennant.cli.errors import AlreadyTold, CliError
from pennant.cli.options import Selectors
from pennant.cli.session import Session, explained
from pennant.core.facts.observation import Key, Snapshot
from pennant.kube.http.resources import Kind
from pennant.ports import PortError

DoneT = TypeVar("DoneT")


@dataclass(frozen=True, slots=True)
class Attempts(Generic[DoneT]):
    """What a verb made of several ModelDeployments."""

    done: tuple[DoneT, ...]
    failed: int

    def end(self) -> None:
        """Raise `AlreadyTold` where one of them failed."""
        if self.failed:
            raise AlreadyTold


async def each(session: Session, found: Sequence[Key], verb: Callable[[Key], Awaitable[DoneT]]) -> Attempts[DoneT]:
    """Apply a verb to each ModelDeployment; the error of one is printed, and the others follow, as in kubectl.

    Raises the error where there is only one.
    """
    done: list[DoneT] = []
    failed = 0
    for key in found:
        try:
            done.append(await verb(key))
        except (CliError, PortError) as error:
            if len(found) == 1:
                raise
            click.echo(
                f"error: {explained(error, session.server) if isinstance(error, PortError) else error}", err=True
            )
            failed += 1
    return Attempts(tuple(done), failed)


async def keys(session: Session, selectors: Selectors) -> tuple[Key, ...]:
    """Return the ModelDeployments that a user named; by a selector, those that exist now.

    Raises `CliError` where no name, file or selector is given, or a selector matches nothing.
    """
    if selectors.selector is not None or selectors.all_namespaces:
        namespace = "" if selectors.all_namespaces else session.namespace
        found = await session.inspector.snapshots(namespace, selectors.selector or "")
        if not found:
            where = f"in namespace {namespace}" if namespace else "in any namespace"
            matches = f" matches {selectors.selector}" if selectors.selector else ""
            raise CliError(f"no ModelDeployment {where}{matches}")
        return tuple(each.key for each in found)
    named = tuple(Key(session.namespace, name) for name in names.parsed(selectors.names))
    return named or names.from_files(selectors.filenames, session.namespace)


async def snapshot(session: Session, key: Key) -> Snapshot:
    """Return a ModelDeployment with all that belongs to it; raises `CliError` with the nearest names."""
    found = await session.inspector.snapshot(key)
    if found is None:
        raise await missing(session, key)
    return found


async def raw(session: Session, key: Key) -> Json:
    """Return a ModelDeployment as the API server has it; raises `CliError` with the nearest names."""
    found = await session.client.get(Kind.MODEL_DEPLOYMENT, key.namespace, key.name)
    if found is None:
        raise await missing(session, key)
    return found


async def missing(session: Session, key: Key) -> CliError:
    """Return the error for a ModelDeployment that does not exist."""
    known = await session.inspector.snapshots(key.namespace)
    return names.not_found(key.name, key.namespace, (each.key.name for each in known))
