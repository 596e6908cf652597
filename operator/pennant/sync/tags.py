"""Moves a tag to the version of its alias, as `promote` does, and says so in the name of the registry."""

from collections.abc import Awaitable, Callable

from pennant.api.annotations import ALIAS_OF
from pennant.api.meta import Json
from pennant.core.facts.observation import Invalid
from pennant.kube.codec import decode
from pennant.kube.http.client import Client
from pennant.kube.http.resources import Kind
from pennant.kube.tag_writer import Move, TagWriter, tags_of
from pennant.ports import Conflict, Refused
from pennant.registries.names import kept
from pennant.sync.aliases import Follow
from pennant.sync.versions import Versions, marks_of

Moved = Callable[[Follow, Move], Awaitable[None]]


class TagStays(Exception):
    """The tag could not be moved; the message says why. It is tried again."""


class Tags:
    """Writes the tags of the versions of one namespace."""

    def __init__(self, client: Client, versions: Versions, manager: str, moved: Moved) -> None:
        """Write in the name of a field manager, and call `moved` after each move."""
        self._client, self._versions, self._manager, self._moved = client, versions, manager, moved

    async def follow(self, model: str, step: Follow) -> None:
        """Move the tag to the version of its alias; raises `TagStays`, and `Unavailable`."""
        wanted = await self._move(kept(model), step)
        writer = TagWriter(self._client, self._manager, mark=(f"{ALIAS_OF}{step.tag}", step.mark))
        try:
            done = await writer.carry_out(wanted)
        except (Conflict, Refused) as error:
            raise TagStays(f"{step.name} does not get the tag {step.tag}: {error}") from error
        self._versions.tag(step.name, step.tag, step.mark, has_tag=True)
        for name in done.untagged:
            self._versions.tag(name, step.tag, step.mark, has_tag=False)
        if done.tagged:
            await self._moved(step, wanted)
        if done.failed:
            said = "; ".join(f"{name} keeps the tag {step.tag}: {error}" for name, error in done.failed)
            raise TagStays(f"{step.name} has the tag {step.tag}, and {said}")

    async def _move(self, model: str, step: Follow) -> Move:
        """Return the move, of the versions as they are now; raises `TagStays` where the version cannot serve.

        Only the new version and those that are known to have the tag are read, because a model may have thousands.
        """
        names = sorted(self._versions.concerned(model, step.tag, step.mark) - {step.name})
        new, *others = [await self._get(name) for name in (step.name, *names)]
        old = [raw for raw in others if raw is not None and self._is_old(raw, step)]
        if new is None:
            self._versions.remove(step.name)
            raise TagStays(f"{step.name} was deleted, so it cannot have the tag {step.tag}; it is imported again")
        if "deletionTimestamp" in new["metadata"]:
            raise TagStays(f"{step.name} is being deleted, so it cannot have the tag {step.tag}")
        spec = decode.version_spec(step.name, new.get("spec"))
        if isinstance(spec, Invalid):
            raise TagStays(f"{step.name} cannot be served: {spec.problem}")
        return Move(step.tag, new, tuple(old))

    async def _get(self, name: str) -> Json | None:
        return await self._client.get(Kind.MODEL_VERSION, self._versions.namespace, name)

    @staticmethod
    def _is_old(raw: Json, step: Follow) -> bool:
        if "deletionTimestamp" in raw["metadata"]:
            return False
        return step.tag in tags_of(raw) or marks_of(raw).get(step.tag) == step.mark
