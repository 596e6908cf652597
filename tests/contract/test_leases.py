"""A Lease on a real API server: compare-and-swap decides who holds it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.backend import NOON
from contract.real import RealBackend
from pennant.kube.http.connection import Connection
from pennant.kube.http.resources import Kind
from pennant.kube.leases import Lease, Leases
from pennant.ports import Conflict

MINE = Lease(holder="a", duration_seconds=15, acquired_at=NOON, renewed_at=NOON, transitions=0)


@pytest.fixture
async def leases(real: RealBackend, rig: Any) -> AsyncIterator[Leases]:
    async with Leases(Connection(str(Path(rig.kubeconfig))), real.namespace, "pennant") as found:
        yield found


async def test_a_lease_that_nobody_made_is_not_there(leases: Leases) -> None:
    assert await leases.get() is None


async def test_a_lease_is_read_as_it_was_created(leases: Leases) -> None:
    created = await leases.create(MINE)
    assert replace(created, resource_version="", uid="") == MINE
    assert await leases.get() == created


async def test_a_lease_is_created_once(leases: Leases) -> None:
    await leases.create(MINE)
    with pytest.raises(Conflict):
        await leases.create(replace(MINE, holder="b"))


async def test_of_two_who_renew_the_same_lease_one_fails(leases: Leases) -> None:
    created = await leases.create(MINE)
    later = NOON + timedelta(seconds=2, microseconds=1)
    renewed = await leases.update(replace(created, renewed_at=later))
    assert renewed.renewed_at == later
    with pytest.raises(Conflict):
        await leases.update(replace(created, holder="b"))


async def test_a_lease_that_was_made_anew_is_not_renewed(leases: Leases, real: RealBackend) -> None:
    """Rule: R16."""
    created = await leases.create(MINE)
    await real.delete(Kind.LEASE, "pennant")
    another = await leases.create(replace(MINE, holder="b"))
    with pytest.raises(Conflict):
        await leases.update(replace(another, holder="a", uid=created.uid))
    assert await leases.get() == another


async def test_a_watch_shows_each_change_and_the_deletion(leases: Leases, real: RealBackend) -> None:
    created = await leases.create(MINE)
    renewed = await leases.update(replace(created, renewed_at=NOON + timedelta(seconds=2)))
    async with asyncio.timeout(10), aclosing(leases.changes(created.resource_version)) as changes:
        assert await anext(changes) == renewed
        await real.delete(Kind.LEASE, "pennant")
        assert await anext(changes) is None


async def test_a_released_lease_has_no_holder(leases: Leases) -> None:
    created = await leases.create(MINE)
    await leases.update(replace(created, holder="", duration_seconds=1))
    released = await leases.get()
    assert released is not None
    assert (released.holder, released.duration_seconds) == ("", 1)
