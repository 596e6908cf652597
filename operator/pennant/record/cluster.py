"""Versions of a model on the API server: list them, and create a new one. None is ever changed."""

import asyncio

from pennant.api.meta import Json
from pennant.kube.http.client import ApiVerb, Client
from pennant.kube.http.errors import Missing, Throttled
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Conflict, Ending
from pennant.record.errors import Taken
from pennant.record.known import of_objects
from pennant.record.numbering import Known
from pennant.record.registration import Draft, Registration, finished

FIELD_MANAGER = "kubectl-pennant"
MAX_TRIES = 5
"""How often a number is looked for while others register versions of the same model."""
LONGEST_WAIT_SECONDS = 10.0


async def known(client: Client, namespace: str, model: str) -> Known:
    """Return the versions of a model in a namespace; a server that asks to wait is asked again."""
    for _ in range(MAX_TRIES):
        try:
            listed = await client.all_of(Kind.MODEL_VERSION, namespace, fieldSelector=f"spec.model={model}")
        except Throttled as error:
            last = error
            await asyncio.sleep(min(error.retry_after_seconds, LONGEST_WAIT_SECONDS))
        else:
            return of_objects(listed, model)
    raise last


async def register(client: Client, namespace: str, draft: Draft, *, is_dry: bool = False) -> tuple[Registration, Json]:
    """Create the object of a draft, and return it with the registration.

    Where somebody else takes the number at the same time, the next one is computed from what is there then. Raises
    `Taken` where the user chose the number, or others take each number.
    """
    for _ in range(MAX_TRIES):
        made = finished(draft, await known(client, namespace, draft.request.model))
        try:
            return made, await _created(client, namespace, made.manifest, is_dry=is_dry)
        except (Ending, Missing):
            # The namespace is being deleted, or does not exist.
            raise
        except Conflict as error:
            if draft.request.wish.version is not None:
                raise Taken(f"{made.name} was registered by somebody else at the same time") from error
    raise Taken(f"others registered versions of {draft.request.model} {MAX_TRIES} times in a row; try again")


async def _created(client: Client, namespace: str, manifest: Json, *, is_dry: bool) -> Json:
    params = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if is_dry else {})
    path = RESOURCES[Kind.MODEL_VERSION].path(namespace)
    return await client.request(ApiVerb.CREATE, Kind.MODEL_VERSION, path, params=params, body=manifest)
