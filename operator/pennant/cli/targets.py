"""From what a user named to the ModelDeployments of the cluster."""

from pennant.cli import names
from pennant.cli.errors import CliError
from pennant.cli.options import Selectors
from pennant.cli.session import Session
from pennant.core.facts.observation import Key, Snapshot


async def keys(session: Session, selectors: Selectors) -> tuple[Key, ...]:
    """Return the ModelDeployments that a user named; by a selector, those that exist now.

    Raises `CliError` where no name, file or selector is given, or a selector matches nothing.
    """
    if selectors.selector is not None:
        namespace = "" if selectors.all_namespaces else session.namespace
        found = await session.inspector.snapshots(namespace, selectors.selector)
        if not found:
            raise CliError(f"no ModelDeployment in namespace {session.namespace} matches {selectors.selector}")
        return tuple(each.key for each in found)
    named = tuple(Key(session.namespace, name) for name in names.parsed(selectors.names))
    return named or names.from_files(selectors.filenames, session.namespace)


async def snapshot(session: Session, key: Key) -> Snapshot:
    """Return a ModelDeployment with all that belongs to it; raises `CliError` with the nearest names."""
    found = await session.inspector.snapshot(key)
    if found is None:
        raise await missing(session, key)
    return found


async def missing(session: Session, key: Key) -> CliError:
    """Return the error for a ModelDeployment that does not exist."""
    known = await session.inspector.snapshots(key.namespace)
    return names.not_found(key.name, key.namespace, (each.key.name for each in known))
