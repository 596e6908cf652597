"""The revisions of ModelDeployments, as far as they were read: ControllerRevisions are not watched.

Small revisions stay until their ModelDeployment is stale or deleted. Large ones stay only while there is room.

Rule: R89.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from pennant.core.facts.observation import Revision
from pennant.kube.cache.folding import size_if_large
from pennant.kube.cache.packed import Packed
from pennant.kube.codec.revisions import StoredRevision

ROOM_FOR_LARGE_REVISIONS = 16 * 1024 * 1024
"""Characters of JSON text of all large revisions together."""


class OwnedRevisions:
    """The revisions of each ModelDeployment, by the uid of the ModelDeployment and by number."""

    def __init__(self) -> None:
        self._known = Packed[str, dict[int, StoredRevision]]()
        self._sizes: OrderedDict[str, dict[int, int]] = OrderedDict()
        """The sizes of large revisions, by uid and number; the uid that was read last is last."""
        self._taken: dict[str, frozenset[int]] = {}
        self._listing: set[str] = set()
        """The ModelDeployments whose revisions are not all read yet, while those of all are listed."""

    def __contains__(self, uid: str) -> bool:
        """Return whether the revisions of this ModelDeployment were read."""
        return uid in self._known and uid not in self._listing

    def of(self, uid: str) -> tuple[Revision, ...]:
        """Return the revisions of this ModelDeployment, oldest first; empty where they were not read."""
        found = self._known.get(uid, {})
        return tuple(found[number].revision for number in sorted(found))

    def find(self, uid: str, number: int) -> StoredRevision | None:
        """Return one revision; None where it is not known."""
        return self._known.get(uid, {}).get(number)

    def put(self, uid: str, revisions: Iterable[StoredRevision]) -> None:
        """Replace all revisions of this ModelDeployment."""
        self._listing.discard(uid)
        self._known[uid] = {each.revision.entry.revision: each for each in revisions}
        self._sizes.pop(uid, None)
        self._make_room(uid, *self._known[uid].values())

    def begin_list(self, uids: Iterable[str]) -> None:
        """Begin a list of the revisions of these ModelDeployments, which are not known."""
        listing = set(uids)
        for uid in listing:
            # A list that failed half way has left some.
            self.forget(uid)
        self._listing = listing

    def add_listed(self, uid: str, revisions: Sequence[StoredRevision]) -> None:
        """Add some revisions of a list, unless this ModelDeployment became stale since it began."""
        if uid in self._listing:
            self._known[uid] = self._known.get(uid, {}) | {each.revision.entry.revision: each for each in revisions}
            self._make_room(uid, *revisions)

    def end_list(self) -> None:
        """End a list that was complete: ModelDeployments of which it had no revision have none."""
        for uid in self._listing:
            self._known.setdefault(uid, {})
        self._listing.clear()

    def add(self, uid: str, revision: StoredRevision) -> None:
        """Add or replace one revision that was just written, if the others were read."""
        if uid in self:
            self._known[uid] = {**self._known[uid], revision.revision.entry.revision: revision}
            self._make_room(uid, revision)

    def remove(self, uid: str, number: int) -> None:
        """Remove one revision that was just deleted."""
        if uid in self._known:
            self._known[uid] = {key: each for key, each in self._known[uid].items() if key != number}
        self._sizes.get(uid, {}).pop(number, None)

    def forget(self, uid: str) -> None:
        """Forget the revisions of this ModelDeployment: they must be read again."""
        self._listing.discard(uid)
        self._known.pop(uid, None)
        self._sizes.pop(uid, None)

    def forget_all(self) -> None:
        """Forget all revisions: they must be read again."""
        self._listing.clear()
        self._known.clear()
        self._sizes.clear()

    def forget_owner(self, uid: str) -> None:
        """Forget all about a ModelDeployment that was deleted."""
        self.forget(uid)
        self._taken.pop(uid, None)

    def taken(self, uid: str) -> frozenset[int]:
        """Return the numbers that no revision of this ModelDeployment can have: another object has the name."""
        return self._taken.get(uid, frozenset())

    def take(self, uid: str, numbers: Iterable[int]) -> None:
        """Add to `taken`."""
        if taken := self.taken(uid).union(numbers):
            self._taken[uid] = taken

    def _make_room(self, uid: str, *added: StoredRevision) -> None:
        """Forget the large revisions that were read longest ago, except those of `uid`.

        `added` are the new ones of `uid`. The size of a revision is computed only once, because that takes time.
        """
        sizes = self._sizes.pop(uid, {})
        computed = dict[tuple[int, int], int]()
        for each in (each.revision for each in added):
            # Most revisions share their template and their record with another one.
            parts = id(each.template), id(each.record)
            if parts not in computed:
                computed[parts] = size_if_large(each.template, each.record)
            if size := computed[parts]:
                sizes[each.entry.revision] = size
        if sizes:
            self._sizes[uid] = sizes
        while len(self._sizes) > 1 and self._size() > ROOM_FOR_LARGE_REVISIONS:
            self.forget(next(iter(self._sizes)))

    def _size(self) -> int:
        return sum(sum(sizes.values()) for sizes in self._sizes.values())
