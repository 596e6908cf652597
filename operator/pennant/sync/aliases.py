"""Where the tags that follow aliases should be. Nothing is read or written here.

A version that got a tag by an alias has an annotation that names the alias (`ALIAS_OF`). So it is seen in the cluster
which move was made already, also by a new process: a tag that a user moved since, or that belongs to a version that
failed, is left alone until the alias moves.

Rule: R203.
Rule: R204.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pennant.api.annotations import ALIAS_OF
from pennant.registries.importing import Wish
from pennant.registries.names import kept
from pennant.registries.protocol import RegistryError
from pennant.sync.memory import Model
from pennant.sync.versions import Versions


@dataclass(frozen=True, slots=True)
class Follow:
    """A tag that moves to the version of its alias."""

    alias: str
    tag: str
    mark: str
    name: str
    """The object that gets the tag."""
    version: str
    """The version in the registry."""


@dataclass(frozen=True, slots=True)
class Stays:
    """A tag that cannot follow its alias."""

    alias: str
    why: str


def mark(registry: str, alias: str) -> str:
    """Return how an annotation names an alias."""
    return f"{registry}/{alias}"


@dataclass(frozen=True, slots=True)
class Aliases:
    """The aliases of one registry that tags follow."""

    registry: str
    """Its name in the configuration."""
    title: str
    """Its name for people."""
    tags: dict[str, str]
    """The tag of each alias."""
    wish: Wish

    def steps(self, model: str, memory: Model, versions: Versions) -> Iterator[Follow | Stays]:
        """Yield what is to be done for a model of the registry; nothing where each tag followed its alias."""
        try:
            kept(model)
        except RegistryError:
            # No version of it can have an object.
            return
        for alias, tag in self.tags.items():
            named = mark(self.registry, alias)
            if (version := memory.aliases.get(alias)) is not None:
                yield from self._followed(model, version, Follow(alias, tag, named, "", version), memory, versions)
            elif followed := sorted(self._marked(kept(model), tag, named, versions, has_tag=True)):
                names = " and ".join(followed)
                # Not every registry names the aliases of a version that it cannot read.
                gone = "is at a version that cannot be read, or gone" if memory.versions else "is gone"
                yield Stays(
                    alias,
                    f"the alias {alias} of {model} {gone} from {self.title}, so {names} keeps the tag {tag}. Set the "
                    f"alias again, or move the tag and remove the annotation {ALIAS_OF}{tag} from {names}",
                )

    def _followed(
        self, model: str, version: str, follow: Follow, memory: Model, versions: Versions
    ) -> Iterator[Follow | Stays]:
        name, why = self._name(model, version, memory, versions)
        if name is None:
            yield Stays(
                follow.alias,
                f"the alias {follow.alias} of {model} is at version {version}, which is not imported: {why}. The tag "
                f"{follow.tag} stays where it is",
            )
        elif self._marked(kept(model), follow.tag, follow.mark, versions) != {name} or (
            memory.moved.get(follow.alias, versions.lists) < versions.lists
            and self._is_ambiguous(kept(model), name, follow, versions)
        ):
            yield Follow(follow.alias, follow.tag, follow.mark, name, version)

    def _name(self, model: str, version: str, memory: Model, versions: Versions) -> tuple[str | None, str]:
        """Return the object of a version, or None and why there is none."""
        try:
            name = self.wish.name(model, version)
        except RegistryError as error:
            return None, str(error)
        if (waiting := memory.versions.by_name.get(version)) is not None:
            return None, waiting.why.rstrip(".")
        if version not in memory.present or versions.get(name) is None:
            return None, f"there is no ModelVersion {name} of it"
        return name, ""

    @staticmethod
    def _is_ambiguous(model: str, name: str, follow: Follow, versions: Versions) -> bool:
        """Return whether the version has the tag, and another one as well."""
        known = {each: versions.get(each) for each in versions.concerned(model, follow.tag, follow.mark)}
        holders = {each for each, of in known.items() if of is not None and follow.tag in of.tags}
        return name in holders and len(holders) > 1

    def _marked(self, model: str, tag: str, named: str, versions: Versions, *, has_tag: bool = False) -> set[str]:
        """Return the versions that have the tag by this alias, or had it when somebody moved it."""
        known = ((name, versions.get(name)) for name in versions.concerned(model, tag, named))
        return {
            name
            for name, each in known
            if each is not None and each.marks.get(tag) == named and (not has_tag or tag in each.tags)
        }
