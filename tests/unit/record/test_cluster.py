"""Versions on an API server that asks to wait."""

from typing import Any, cast

import pytest

from pennant.kube.http.client import Client
from pennant.kube.http.errors import Throttled
from pennant.record import cluster


class Busy:
    """Answers a list after a number of refusals."""

    def __init__(self, refusals: int) -> None:
        self.left = refusals

    async def all_of(self, *_: object, **selectors: str) -> list[Any]:
        assert selectors == {"fieldSelector": "spec.model=fraud"}
        if self.left:
            self.left -= 1
            raise Throttled("storage is (re)initializing", 0.001)
        return []


async def test_a_list_is_asked_for_again_after_the_time_that_the_server_names() -> None:
    server = Busy(cluster.MAX_TRIES - 1)
    assert (await cluster.known(cast(Client, server), "shop", "fraud")).versions == frozenset()
    with pytest.raises(Throttled, match="initializing"):
        await cluster.known(cast(Client, Busy(cluster.MAX_TRIES)), "shop", "fraud")
