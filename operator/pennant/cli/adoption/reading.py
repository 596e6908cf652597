"""What an adoption reads of a cluster, with the user's permissions."""

from pennant.api.meta import Json
from pennant.cli.adoption.kinds import ADOPTABLE
from pennant.cli.adoption.objects import Objects, name_of
from pennant.cli.adoption.words import TOOLS
from pennant.cli.errors import CliError
from pennant.cli.names import hinted, valid
from pennant.cli.session import Session
from pennant.kube.http.client import ApiVerb
from pennant.kube.http.errors import Forbidden, NotServed
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.kube.inspector import permitted

LISTED = (Kind.AUTOSCALER, Kind.SERVICE, Kind.MODEL_VERSION)
WHY = {
    Kind.AUTOSCALER: "if one scales this object, let its scaleTargetRef name the ModelDeployment",
    Kind.SERVICE: "look yourself which of them select these pods",
    Kind.MODEL_VERSION: "look yourself whether another version has the tag",
    Kind.REPLICA_SET: "if one was taken over before, its pod template may be the new one, and pods are replaced then",
}


async def read(session: Session, kind: Kind, name: str, target: str) -> tuple[Json, Objects]:
    """Return an object, and with it what its adoption needs; raises `CliError` where it does not exist.

    `target` is another name that the ModelDeployment may have.
    """
    try:
        raw = await _get(session, kind, valid(name))
    except NotServed as error:
        said = f"the server at {session.server} has no {RESOURCES[kind].full_name}"
        raise CliError(f"{said}: is {TOOLS[kind]} installed? Choose another cluster with --context") from error
    if raw is None:
        raise await _missing(session, kind, name)
    found: list[Json] = [raw]
    unread: list[str] = []
    adoptable = ADOPTABLE[kind]
    taken = [(other, each) for other in (Kind.DEPLOYMENT, Kind.MODEL_DEPLOYMENT) for each in (name, target)]
    for other, wanted in dict.fromkeys((*adoptable.wanted(raw), *taken)):
        if (other, wanted) == (kind, name) or (other is Kind.CLUSTER_SERVING_RUNTIME and _has_runtime(found)):
            continue
        found += [each for each in [await _optional(session, other, wanted)] if each is not None]
    for other in (*LISTED, *adoptable.listed):
        try:
            found += await _list(session, other)
        except Forbidden as error:
            if other not in WHY:
                raise
            unread.append(f"{error}: {WHY[other]}")
        except NotServed:
            # Pennant may be installed after the manifests were written.
            continue
    return raw, Objects(tuple(found), is_live=True, unread=tuple(unread))


def _has_runtime(found: list[Json]) -> bool:
    """Return whether the runtime is one of the namespace: then nobody needs the right to read those of the cluster."""
    return any(each["kind"] == Kind.SERVING_RUNTIME for each in found)


async def _get(session: Session, kind: Kind, name: str) -> Json | None:
    namespace = "" if kind is Kind.CLUSTER_SERVING_RUNTIME else session.namespace
    raw = await permitted(ApiVerb.GET, kind, namespace, session.client.get(kind, namespace, name))
    return None if raw is None else _typed(raw, kind)


async def _optional(session: Session, kind: Kind, name: str) -> Json | None:
    """Return an object that need not exist, of a kind that need not be served."""
    try:
        return await _get(session, kind, name)
    except NotServed:
        return None


async def _list(session: Session, kind: Kind) -> list[Json]:
    asked = session.client.all_of(kind, session.namespace)
    return [_typed(each, kind) for each in await permitted(ApiVerb.LIST, kind, session.namespace, asked)]


def _typed(raw: Json, kind: Kind) -> Json:
    """Return an object with its type, which the items of a list do not have."""
    return {"apiVersion": RESOURCES[kind].api_version, "kind": kind.value, **raw}


async def _missing(session: Session, kind: Kind, name: str) -> CliError:
    known = sorted(name_of(each) for each in await _list(session, kind))
    said = f'{RESOURCES[kind].full_name} "{name}" not found in namespace {session.namespace}'
    if not known:
        return CliError(f"{said}, which has none; choose another one with -n")
    return CliError(f"{said}. {hinted(name, known)}")
