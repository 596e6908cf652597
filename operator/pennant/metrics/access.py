"""A metric source that only some namespaces may use.

Rule: R184.
"""

from collections.abc import Iterable

from pennant.core.facts.measurement import Answer, Request
from pennant.ports import MetricSource, NotPermitted


class NamespacedSource:
    """Answers requests of ModelDeployments in these namespaces, and refuses all others without sending them."""

    def __init__(self, source: MetricSource, namespaces: Iterable[str]) -> None:
        """Answer from this source."""
        self._source, self._namespaces = source, frozenset(namespaces)

    async def answer(self, request: Request) -> Answer:
        """Return what the source answers; raises `NotPermitted` for another namespace."""
        namespace, _ = request.asker
        if namespace not in self._namespaces:
            raise NotPermitted(
                f"the operator's configuration does not permit this source in the namespace {namespace}; "
                "add the namespace to `namespaces` of the source, or use another source"
            )
        return await self._source.answer(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._source.aclose()
