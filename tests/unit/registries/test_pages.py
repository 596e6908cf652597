"""Lists that a server gives page by page."""

from collections.abc import AsyncIterator

import pytest

from pennant.api.meta import Json
from pennant.registries.pages import pages
from pennant.registries.protocol import RegistryError


class Server:
    def __init__(self, following: dict[str, str | None]) -> None:
        """`following` has the token of the next page, by the token of a page."""
        self.following, self.asked = following, list[str]()

    async def ask(self, token: str) -> Json:
        self.asked.append(token)
        assert len(self.asked) < 20, "the list is read without an end"
        return {"page": token, "next": self.following[token]}

    def listed(self) -> AsyncIterator[Json]:
        return pages(self.ask, lambda page: page["next"], "the list of models")


@pytest.mark.parametrize("end", ["", None])
async def test_all_pages_are_read_once(end: str | None) -> None:
    server = Server({"": "b", "b": "c", "c": end})
    assert [each["page"] async for each in server.listed()] == ["", "b", "c"]
    assert server.asked == ["", "b", "c"]


@pytest.mark.parametrize(
    "following",
    [{"": "b", "b": "b"}, {"": "b", "b": "c", "c": "b"}, {"": "a", "a": "b", "b": "c", "c": "d", "d": "b"}],
    ids=["the same token", "two in turn", "back to an earlier one"],
)
async def test_a_list_without_an_end_is_an_error(following: dict[str, str | None]) -> None:
    server = Server(following)
    with pytest.raises(RegistryError, match=r"the list of models gives the same page again\. Run the import again"):
        [each async for each in server.listed()]
    # Each page is read once before the error.
    assert server.asked == list(following)


async def test_a_reader_that_has_enough_asks_for_no_further_page() -> None:
    server = Server({"": "b", "b": "c"})
    async for _ in server.listed():
        break
    assert server.asked == [""]
