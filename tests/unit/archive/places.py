"""A place in memory that fails as a test says."""

from collections.abc import AsyncIterator, Callable

from pennant.ports import PortError


class MemoryPlace:
    """Files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.error: PortError | None = None
        """What every call raises; None: the place works."""
        self.before_create: Callable[[str], None] = lambda _: None
        self.after_create: Callable[[str], None] = lambda _: None
        self.creations = 0

    async def create(self, name: str, content: bytes) -> bool:
        self.creations += 1
        self.before_create(name)
        if self.error is not None:
            raise self.error
        if name in self.files:
            return False
        self.files[name] = content
        self.after_create(name)
        return True

    async def read(self, name: str) -> bytes:
        if self.error is not None:
            raise self.error
        return self.files[name]

    async def names(self, under: str) -> AsyncIterator[str]:
        for each in list(self.files):
            if each.startswith(under):
                yield each

    def close(self) -> None:
        pass
