"""The keys that are ready to be processed, in the order in which workers take them.

Order: the urgency, then the namespaces in turn, then the time at which a key was added.

Rule: R230.
Rule: R231.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum

from pennant.core.facts.observation import Key

MAX_DUE_SECONDS = 2.0
"""How long keys of `Urgency.DUE` wait for more urgent ones; after that they alternate with them."""


class Urgency(IntEnum):
    """Why a key is processed, the most urgent first."""

    MEASURED = 0
    """A metric source has answered: the answer may be a breach."""
    CHANGED = 1
    """An object has changed, such as the tag of a version."""
    DUE = 2
    """A time has come, such as that of a status that waits to be written."""


class ReadyKeys:
    """The ready keys, each once.

    In: keys with an urgency, and the keys that are processed. Out: the next key to process.
    """

    def __init__(self, workers: int | None = None) -> None:
        """Leave some of this number of workers to other namespaces; None: no namespace has a limit."""
        self._workers = workers
        self._by_urgency: dict[Urgency, dict[str, dict[Key, float]]] = {each: {} for each in Urgency}
        """By urgency and namespace: since when each key waits. The namespace that comes first has its turn."""
        self._urgency: dict[Key, Urgency] = {}
        self._processed = Counter[str]()
        """Number of keys of each namespace that are processed."""
        self._last_taken: Urgency | None = None

    def __len__(self) -> int:
        return len(self._urgency)

    def __contains__(self, key: Key) -> bool:
        return key in self._urgency

    def add(self, key: Key, urgency: Urgency, since: float) -> None:
        """Add a key that waits since a time of the event loop; one that is ready gets the higher urgency of the two."""
        before = self._urgency.get(key)
        if before is not None and before <= urgency:
            return
        if before is not None:
            since = self._remove(key)
        self._by_urgency[urgency].setdefault(key.namespace, {})[key] = since
        self._urgency[key] = urgency

    def take(self) -> tuple[Key, Urgency] | None:
        """Take the next key, which counts as processed until `done`; None: none is ready, or all have to wait."""
        for urgency in self._order():
            waiting = self._by_urgency[urgency]
            for namespace in waiting:
                if self._has_worker(namespace):
                    key = next(iter(waiting[namespace]))
                    self._remove(key)
                    if namespace in waiting:
                        waiting[namespace] = waiting.pop(namespace)
                    self._processed[namespace] += 1
                    self._last_taken = urgency
                    return key, urgency
        return None

    def done(self, key: Key) -> None:
        """Give back the worker of a key that was taken."""
        self._processed[key.namespace] -= 1
        if not self._processed[key.namespace]:
            del self._processed[key.namespace]

    def _remove(self, key: Key) -> float:
        """Remove a key, and return since when it waits."""
        waiting = self._by_urgency[self._urgency.pop(key)]
        since = waiting[key.namespace].pop(key)
        if not waiting[key.namespace]:
            del waiting[key.namespace]
        return since

    def _order(self) -> Iterator[Urgency]:
        """Yield the urgencies in order; once a key that is due has waited long enough, each second key is a due one."""
        # Of each namespace the first key has waited longest.
        since = min((next(iter(keys.values())) for keys in self._by_urgency[Urgency.DUE].values()), default=None)
        has_waited = since is not None and asyncio.get_running_loop().time() - since >= MAX_DUE_SECONDS
        if has_waited and self._last_taken is not Urgency.DUE:
            yield Urgency.DUE
        yield from Urgency

    def _has_worker(self, namespace: str) -> bool:
        """Return whether a namespace may have another worker.

        A namespace gets one while fewer of its keys are processed than workers are free. So one namespace has at most
        half of the workers, a second one half of the rest, and one worker is always left for a namespace that has none.
        """
        if self._workers is None:
            return True
        free = self._workers - self._processed.total()
        return self._processed[namespace] < free
