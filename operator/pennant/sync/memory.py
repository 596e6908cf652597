"""What a process remembers of the models of one registry, to ask less. Without it the next poll reads more, not less.

Rule: R207.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LONGEST_FAILED = 3600.0
LONGEST_SKIPPED = 300.0
"""Seconds that pass at most until a version is tried again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version or an alias that could not be taken over, and is tried again."""

    why: str
    is_failure: bool
    """Whether a user may have to act; otherwise the version only has to be ready."""
    tries: int
    due_at: float
    """When it is tried again, by the monotonic clock."""


@dataclass(slots=True)
class WaitingList:
    """Versions or aliases that are tried again, each later than the time before."""

    poll_seconds: float
    by_name: dict[str, Waiting] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.by_name)

    def add(self, name: str, why: str, now: float, *, is_failure: bool) -> bool:
        """Keep one for later; return whether this is news."""
        before = self.by_name.get(name)
        tries = before.tries + 1 if before is not None and before.is_failure is is_failure else 0
        longest = max(self.poll_seconds, LONGEST_FAILED if is_failure else LONGEST_SKIPPED)
        delay = min(self.poll_seconds * 2 ** min(tries, 20), longest)
        # A little early, because the next poll may be.
        self.by_name[name] = Waiting(why, is_failure, tries, now + delay * 0.8)
        return before is None or before.why != why

    def done(self, name: str) -> None:
        """Forget one that is there now."""
        self.by_name.pop(name, None)

    def keep_only(self, names: Iterable[str]) -> None:
        """Forget those that do not exist any more."""
        kept = self.by_name.keys() & set(names)
        self.by_name = {name: each for name, each in self.by_name.items() if name in kept}

    def is_resting(self, name: str, now: float) -> bool:
        """Return whether it is too early to try one again."""
        each = self.by_name.get(name)
        return each is not None and now < each.due_at

    def has_due(self, now: float) -> bool:
        """Return whether one is to be tried again."""
        return any(each.due_at <= now for each in self.by_name.values())

    def wake(self) -> None:
        """Try all again."""
        self.by_name = {
            name: Waiting(each.why, each.is_failure, each.tries, float("-inf")) for name, each in self.by_name.items()
        }

    @property
    def failures(self) -> int:
        """How many a user may have to act upon."""
        return sum(each.is_failure for each in self.by_name.values())


@dataclass(slots=True)
class Model:
    """What is remembered of a model."""

    versions: WaitingList
    tags: WaitingList
    """By alias: tags that did not follow."""
    moved: dict[str, int] = field(default_factory=dict)
    """By alias: how many lists there were (`Versions.lists`) when its tag was last moved. The next one shows whether a
    version has the tag of which nothing was known."""
    state: str = ""
    """What the registry said of the model as a whole (`Watchable`); empty: it does not say."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """The version of each alias."""
    present: frozenset[str] = frozenset()
    """Versions with an alias that were in the cluster when they were last listed."""
    is_complete: bool = False
    """Whether all versions were listed, so that the aliases are known, and the next list may end at a known version."""
    losses: int = 0
    """How many of its versions had gone from the cluster when they were last listed (`Versions.losses`)."""
