"""Moves a tag from ModelVersions to another one: it gets the tag first, and then the others lose it.

So one always has it. While both do, the current version keeps serving. Each write has the resourceVersion that was read
as its precondition, and changes nothing but this tag.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pennant.api import GROUP
from pennant.api.meta import Json
from pennant.core.facts.observation import Key
from pennant.kube.codec import decode
from pennant.kube.http.client import MERGE, ApiVerb, Client
from pennant.kube.http.errors import Missing
from pennant.kube.http.resources import RESOURCES, Kind
from pennant.ports import Conflict, PortError

MAX_TRIES = 5
"""How often a version that others change at the same time is read and written again."""


@dataclass(frozen=True, slots=True)
class Move:
    """A tag, the version that gets it, and those that lose it."""

    tag: str
    new: Json
    old: tuple[Json, ...]

    @property
    def model(self) -> str:
        """The model of the versions."""
        return decode.model_and_version(self.new)[0]

    @property
    def version(self) -> str:
        """The version that gets the tag."""
        return decode.model_and_version(self.new)[1]

    @property
    def is_made(self) -> bool:
        """Whether the new version alone has the tag already."""
        return self.tag in tags_of(self.new) and not self.old


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a move."""

    tagged: bool
    """Whether the new version did not have the tag before."""
    untagged: tuple[str, ...]
    """Names of the versions that do not have it any more, or did not have it at the time of the write."""
    failed: tuple[tuple[str, PortError], ...]
    """Names of the versions that still have it, so that the tag is ambiguous."""


def tags_of(raw: Json) -> frozenset[str]:
    """Return the tags of a ModelVersion."""
    tags = decode.field(raw, "spec").get("tags")
    return frozenset(str(each) for each in tags) if isinstance(tags, list) else frozenset()


def tags_with(raw: Json, tag: str) -> list[str]:
    """Return the tags of a version, with this one at the end where it is not among them."""
    tags = [str(each) for each in decode.field(raw, "spec").get("tags") or []]
    return tags if tag in tags else [*tags, tag]


def move(new: Json, versions: Sequence[Json], tag: str) -> Move:
    """Return the move of a tag to one of the versions of a model."""
    uid = new["metadata"]["uid"]
    old = (each for each in versions if tag in tags_of(each) and each["metadata"]["uid"] != uid)
    # The operator ignores the tags of a version that is being deleted, so they need no change.
    return Move(tag, new, tuple(each for each in old if "deletionTimestamp" not in each["metadata"]))


class TagWriter:
    """Writes tags in the name of a field manager, whom the history names as the actor."""

    def __init__(
        self, client: Client, manager: str, dry_run: str = "none", mark: tuple[str, str] | None = None
    ) -> None:
        """With the dry run `server`, nothing is stored; with `client`, nothing is sent.

        `mark` is an annotation, name and value, that comes and goes with the tag in the same write.
        """
        self._client, self._manager, self._dry_run, self._mark = client, manager, dry_run, mark

    async def carry_out(self, wanted: Move) -> Done:
        """Add the tag to the new version, then take it from the others.

        Raises `PortError` where the new version does not get it; then nothing has changed.
        """
        written = await self._written(wanted.new, wanted.tag, has_tag=True)
        tagged = written and wanted.tag not in tags_of(wanted.new)
        untagged, failed = [], []
        for each in wanted.old:
            name = str(each["metadata"]["name"])
            try:
                await self._written(each, wanted.tag, has_tag=False)
            except PortError as error:
                failed.append((name, error))
            else:
                untagged.append(name)
        return Done(tagged, tuple(untagged), tuple(failed))

    async def _written(self, raw: Json, tag: str, *, has_tag: bool) -> bool:
        """Write the tags of a version with a precondition; return False where there is nothing to write.

        Raises `Conflict` where the version is gone, was created anew, or changes each time.
        """
        uid, key = raw["metadata"]["uid"], Key(raw["metadata"]["namespace"], raw["metadata"]["name"])
        for _ in range(MAX_TRIES):
            if (tag in tags_of(raw)) is has_tag and self._is_marked(raw) in (has_tag, None):
                return False
            try:
                await self._patch(key, raw, tag, has_tag=has_tag)
            except Missing:
                if not has_tag:
                    return False
                raise
            except Conflict:
                again = await self._client.get(Kind.MODEL_VERSION, key.namespace, key.name)
                if again is None or again["metadata"]["uid"] != uid:
                    if not has_tag and again is None:
                        return False
                    raise Conflict(f"{_named(key)} was deleted meanwhile; look at the versions again") from None
                raw = again
                continue
            return True
        raise Conflict(f"{_named(key)} was changed by others {MAX_TRIES} times in a row; try again")

    def _is_marked(self, raw: Json) -> bool | None:
        """Return whether a version has the mark; None: there is none."""
        if self._mark is None:
            return None
        name, value = self._mark
        return bool((raw["metadata"].get("annotations") or {}).get(name) == value)

    async def _patch(self, key: Key, raw: Json, tag: str, *, has_tag: bool) -> None:
        if self._dry_run == "client":
            return
        tags = decode.field(raw, "spec").get("tags") or []
        wanted = tags_with(raw, tag) if has_tag else [each for each in tags if each != tag]
        metadata: dict[str, Any] = {
            "uid": raw["metadata"]["uid"],
            "resourceVersion": raw["metadata"]["resourceVersion"],
        }
        if self._is_marked(raw) not in (has_tag, None) and self._mark is not None:
            metadata["annotations"] = {self._mark[0]: self._mark[1] if has_tag else None}
        params = {"fieldManager": self._manager} | ({"dryRun": "All"} if self._dry_run == "server" else {})
        path = RESOURCES[Kind.MODEL_VERSION].path(key.namespace, key.name)
        body = {"metadata": metadata, "spec": {"tags": wanted}}
        await self._client.request(
            ApiVerb.PATCH, Kind.MODEL_VERSION, path, params=params, body=body, content_type=MERGE
        )


def _named(key: Key) -> str:
    return f"modelversion.{GROUP}/{key.name}"
