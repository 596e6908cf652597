"""Opens a W&B server or a directory of offline runs, with the variables of W&B's own client."""

import base64
import netrc
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pennant.registries.catalogue import Given, missing_client
from pennant.registries.http import Http, base_address
from pennant.registries.protocol import NoAccess, Registry
from pennant.registries.stored import Stored
from pennant.registries.wandb.graphql import ORGANIZATION, VIEWER, Graph, inner
from pennant.registries.wandb.record import MODEL
from pennant.registries.wandb.registry import REGISTRY, Place, Wandb

BASE, KEY, ENTITY, PROJECT = "WANDB_BASE_URL", "WANDB_API_KEY", "WANDB_ENTITY", "WANDB_PROJECT"
CLOUD = "https://api.wandb.ai"
HINT = f"Set {KEY}, or log in with `wandb login`"
_NAME = r"[^/\s:?#\\]+"
_PLACE = re.compile(rf"(?:(?P<entity>{_NAME})/)?(?P<project>{_NAME})(?:/(?P<type>{_NAME}))?")


@asynccontextmanager
async def opened(given: Given) -> AsyncIterator[Registry]:
    """Open what `--from` names; raises `NoAccess` where it is no such thing."""
    address = given.address or _default(given.environment)
    stored = Stored(given.now)
    try:
        if _is_directory(address):
            yield _offline(Path(address), stored, given.repository)
        else:
            async with _server(address, stored, given) as server:
                yield server
    except NoAccess as error:
        if given.address is None or "://" in address or _is_directory(address):
            raise
        raise NoAccess(
            f"{str(error).rstrip('.')}. {address} is read as a place on a server, because no directory of that name "
            f"has runs of W&B; write a directory as ./{address}"
        ) from error
    finally:
        await stored.close()


@asynccontextmanager
async def _server(address: str, stored: Stored, given: Given) -> AsyncIterator[Registry]:
    base, path = _split(address, given.environment)
    http = Http(base, _headers(base, given.environment), hint=HINT, now=given.now)
    try:
        graph = Graph(http, HINT)
        yield Wandb(graph, stored, await _place(graph, app_address(base), path), given.repository)
    finally:
        await http.close()


def _default(environment: Mapping[str, str]) -> str:
    entity, project = environment.get(ENTITY, ""), environment.get(PROJECT, "")
    if not entity:
        raise NoAccess(f"no registry is given; use --from ENTITY/PROJECT or --from DIRECTORY, or set {ENTITY}")
    return f"{entity}/{project}" if project else entity


def _is_directory(address: str) -> bool:
    """Return whether an address is a path: of a directory with runs, or written so that it is nothing else."""
    path = Path(address)
    if re.match(r"[./~]|.*/$", address) or path.suffix == ".wandb":
        return True
    return path.is_dir() and any(path.glob("*run-*"))


def _offline(path: Path, stored: Stored, repository: str | None) -> Registry:
    if not path.expanduser().exists():
        raise NoAccess(f"there is no directory and no file {path}; give the directory wandb that has offline-run-*")
    try:
        from wandb.proto import wandb_internal_pb2 as messages
    except ModuleNotFoundError as error:
        raise missing_client("wandb", "wandb", error.name or "wandb") from error
    from pennant.registries.wandb.offline.registry import Offline

    return Offline(path.expanduser(), messages.Record, stored, repository)


def _split(address: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the address of the server, and what is below it."""
    if "://" not in address:
        return base_address(environment.get(BASE) or CLOUD, "a W&B server"), address
    base = base_address(address, "a W&B server")
    parts = urlsplit(base)
    host = "api.wandb.ai" if parts.hostname == "wandb.ai" else parts.netloc
    return f"{parts.scheme}://{host}", parts.path.strip("/")


def app_address(base: str) -> str:
    """Return the address of the pages of a server, which W&B's cloud has at another host."""
    scheme, _, host = base.partition("://")
    if host.startswith("api.wandb."):
        return f"{scheme}://{host.removeprefix('api.')}"
    return f"{scheme}://app.{host.removeprefix('api.')}" if host.startswith("api.") else base


async def _place(graph: Graph, app: str, path: str) -> Place:
    """Return what a path such as `acme/churn` or `wandb-registry-model` names."""
    parts = _PLACE.fullmatch(path.strip("/"))
    if parts is None:
        raise NoAccess(f"{path!r} is no place of W&B; write it as ENTITY/PROJECT, ENTITY or wandb-registry-NAME")
    entity, project, kind = parts["entity"], parts["project"], parts["type"] or MODEL
    if entity is None and not project.startswith(REGISTRY):
        return Place(app, project, None, kind)
    if entity is None:
        entity = str(inner(await graph.ask(VIEWER), "viewer").get("entity") or "")
        if not entity:
            raise NoAccess(f"the server does not say whose registry {project} is. {HINT}, or write ENTITY/{project}")
    if not project.startswith(REGISTRY):
        return Place(app, entity, project, kind)
    # A registry belongs to the entity of an organization, and people know that of their team.
    known = inner(await graph.ask(ORGANIZATION, entity=entity), "entity")
    of_user = inner(known, "user").get("organizations")
    # The entity of a person has no organization of its own.
    only = of_user[0] if isinstance(of_user, list) and len(of_user) == 1 else None
    organization = inner(known, "organization") or inner(only)
    owner = str(inner(organization, "orgEntity").get("name") or entity)
    return Place(app, owner, project, kind, str(organization.get("name") or ""))


def _headers(base: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials: the key in the environment, or else that of `wandb login`."""
    key = environment.get(KEY) or _logged_in(urlsplit(base).netloc, environment)
    if not key:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(f'api:{key}'.encode()).decode()}"}


def _logged_in(host: str, environment: Mapping[str, str]) -> str | None:
    path = environment.get("NETRC") or str(Path(environment.get("HOME", "~")).expanduser() / ".netrc")
    try:
        found = netrc.netrc(path).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return found[2] if found is not None else None
