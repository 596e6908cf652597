"""Tags that follow aliases: when a tag moves, when it stays, and that it is moved once."""

import asyncio
import itertools
import logging
import random
from typing import Any

import pytest

from pennant.kube.tag_writer import MAX_TRIES
from pennant.ports import Conflict, Refused, Unavailable
from pennant.sync.registry import RegistrySync
from unit.sync.conftest import RESYNC, World

ALIASES = {"champion": "production"}
MARK = "alias.pennant.dev/production"


def marked(world: World) -> list[str]:
    named = ((name, world.cluster.raw(name)["metadata"].get("annotations", {})) for name in world.cluster.names())
    return [name for name, annotations in named if annotations.get(MARK) == "mlflow/champion"]


async def champion(world: World, number: str = "1", **fields: Any) -> RegistrySync:
    """Return a process that has moved the tag to a version of two."""
    for _ in range(2):
        world.mlflow.register("churn")
    world.mlflow.alias("churn", "champion", number)
    sync = world.sync(aliases=ALIASES, **fields)
    await sync.poll()
    assert world.cluster.holders() == marked(world) == [f"churn-{number}"]
    return sync


async def test_the_tag_moves_with_the_alias(world: World) -> None:
    """Rule: R203."""
    sync = await champion(world)
    world.cluster.set_tags("churn-2", "staging", "eu")
    world.mlflow.alias("churn", "champion", "2")
    await world.later(sync)
    assert world.cluster.holders() == marked(world) == ["churn-2"]
    assert world.cluster.api.tags("churn-2", "shop") == ["staging", "eu", "production"], "all other tags stay"
    assert world.cluster.api.tags("churn-1", "shop") == []
    assert world.cluster.managers["churn-2"] == "pennant-sync-mlflow", "the history names it as the actor"
    (_, event) = world.cluster.events
    assert event["reason"] == "AliasMoved"
    assert event["regarding"]["name"] == "churn-2"
    assert event["note"] == (
        "got the tag production from churn-1, because the alias champion was moved to version 2 in the registry mlflow "
        "(MLflow)"
    )
    writes = world.cluster.writes
    await world.later(sync, RESYNC)
    assert world.cluster.writes == writes


async def test_the_new_version_gets_the_tag_before_the_old_one_loses_it(world: World) -> None:
    sync = await champion(world)
    held: list[list[str]] = []

    def look(verb: str, _name: str) -> None:
        if verb == "patch":
            held.append(world.cluster.holders())

    world.cluster.before = look
    world.mlflow.alias("churn", "champion", "2")
    await world.later(sync)
    assert held == [["churn-1"], ["churn-1", "churn-2"]]


async def test_a_version_and_its_alias_come_in_one_poll(world: World) -> None:
    sync = await champion(world)
    world.mlflow.register("churn")
    world.mlflow.alias("churn", "champion", "3")
    await world.later(sync)
    assert world.cluster.holders() == ["churn-3"]


async def test_without_aliases_no_tag_is_touched(world: World) -> None:
    """Rule: R200."""
    for number in ("1", "2"):
        world.mlflow.register("churn")
        world.mlflow.alias("churn", "champion", number)
    sync = world.sync(versions="All")
    await sync.poll()
    world.cluster.set_tags("churn-1", "production")
    await world.later(sync, RESYNC)
    assert world.cluster.holders() == ["churn-1"]
    assert world.cluster.asked["patch"] == 0


async def test_an_alias_without_a_setting_moves_nothing(world: World) -> None:
    sync = await champion(world)
    world.mlflow.alias("churn", "challenger", "2")
    await world.later(sync)
    assert world.cluster.holders() == ["churn-1"]


async def test_a_tag_that_a_user_moved_stays_until_the_alias_moves(world: World) -> None:
    """Rule: R203. A new process knows it as well."""
    await champion(world, "2", versions="All")
    world.cluster.set_tags("churn-1", "production")
    world.cluster.set_tags("churn-2")
    sync = world.sync(aliases=ALIASES)
    await sync.poll()
    await world.later(sync, RESYNC)
    assert world.cluster.holders() == ["churn-1"]
    assert world.failing("tag") == 0
    world.mlflow.register("churn")
    world.mlflow.alias("churn", "champion", "3")
    await world.later(sync)
    assert world.cluster.holders() == marked(world) == ["churn-3"]


async def test_a_tag_that_a_user_moved_since_the_last_list_moves_as_well(world: World) -> None:
    sync = await champion(world, "2", versions="All")
    world.mlflow.register("churn")
    await world.later(sync)
    await world.later(sync)
    world.cluster.set_tags("churn-1", "production")
    world.cluster.set_tags("churn-2")
    world.mlflow.alias("churn", "champion", "3")
    world.forget()
    again: list[str] = []
    sync.again = again.extend
    await world.later(sync)
    assert "list" not in world.cluster.asked, "a move lists no versions"
    assert (world.cluster.holders(), marked(world), again) == (["churn-1", "churn-3"], ["churn-3"], ["churn"])
    await sync.poll(again)
    assert world.cluster.holders() == marked(world) == ["churn-3"]


async def test_a_tag_that_a_user_adds_later_is_left_alone(world: World) -> None:
    sync = await champion(world)
    await world.later(sync)
    world.cluster.set_tags("churn-2", "production")
    for _ in range(3):
        await world.later(sync, RESYNC)
    assert world.cluster.holders() == ["churn-1", "churn-2"]


async def test_the_alias_of_a_version_with_the_tag_only_marks_it(world: World) -> None:
    for _ in range(2):
        world.mlflow.register("churn")
    await world.sync(versions="All").poll()
    world.cluster.set_tags("churn-1", "production")
    world.mlflow.alias("churn", "champion", "1")
    await world.sync(aliases=ALIASES).poll()
    assert world.cluster.holders() == marked(world) == ["churn-1"]
    assert world.cluster.events == [], "no tag moved"


async def test_an_alias_that_is_deleted_leaves_the_tag_and_is_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Rule: R204."""
    sync = await champion(world)
    world.mlflow.alias("churn", "champion", None)
    writes = world.cluster.writes
    for _ in range(3):
        await world.later(sync)
    # A new process finds it in the cluster.
    await world.sync(aliases=ALIASES).poll()
    assert (world.cluster.holders(), world.cluster.writes) == (["churn-1"], writes)
    assert world.failing("tag") == 1
    said = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert len(said) == 2, "once by each process"
    assert "the alias champion of churn is gone from MLflow, so churn-1 keeps the tag production" in said[0]
    world.mlflow.alias("churn", "champion", "2")
    await world.later(sync)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-2"], 0)


async def test_a_model_that_never_had_the_alias_is_no_problem(world: World) -> None:
    world.mlflow.register("churn")
    sync = world.sync(aliases=ALIASES)
    await sync.poll()
    world.cluster.set_tags("churn-1", "production")
    await world.later(sync, RESYNC)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-1"], 0)


@pytest.mark.parametrize("fields", [{"source": ""}, {"status": "PENDING_REGISTRATION"}, {"run_ends": False}])
async def test_an_alias_at_a_version_that_cannot_be_imported_moves_nothing_and_is_told(
    world: World, caplog: pytest.LogCaptureFixture, fields: dict[str, object]
) -> None:
    """Rule: R204."""
    sync = await champion(world)
    world.mlflow.register("churn", **fields)  # type: ignore[arg-type]
    world.mlflow.alias("churn", "champion", "3")
    await world.later(sync)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-1"], 1)
    assert "the alias champion of churn is at version 3, which is not imported: " in caplog.text
    assert "The tag production stays where it is" in caplog.text
    world.mlflow.models["churn"]["versions"]["3"] |= {"source": "s3://models/churn/3", "status": "READY"}
    world.mlflow.end("churn", "3")
    world.mlflow.models["churn"]["changed"] += 1
    await world.later(sync)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-3"], 0)


async def test_a_version_of_another_server_does_not_get_the_tag(world: World) -> None:
    await world.sync().poll()
    sync = await champion(world)
    world.cluster.raw("churn-2")["spec"]["source"]["instance"] = "https://other.example"
    world.mlflow.alias("churn", "champion", "2")
    await world.later(sync, RESYNC)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-1"], 1)


async def test_a_move_that_is_refused_is_told_and_tried_again(world: World) -> None:
    """Rule: R204."""
    sync = await champion(world)
    world.mlflow.alias("churn", "champion", "2")
    refused = Refused("system:serviceaccount:p:sync lacks the verb promote on tags.pennant.dev production")
    world.cluster.before = lambda verb, _name: refused if verb == "patch" else None
    await world.later(sync)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-1"], 1)
    world.cluster.before = lambda _verb, _name: None
    await world.later(sync, 130)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-2"], 0)


async def test_a_move_that_stopped_half_way_is_completed_by_the_next_process(world: World) -> None:
    sync = await champion(world)
    world.mlflow.alias("churn", "champion", "2")
    world.cluster.before = lambda verb, name: (
        Unavailable("the API server does not answer") if (verb, name) == ("patch", "churn-1") else None
    )
    await world.later(sync)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-1", "churn-2"], 1)
    world.cluster.before = lambda _verb, _name: None
    await world.sync(aliases=ALIASES).poll()
    assert world.cluster.holders() == marked(world) == ["churn-2"]


async def test_a_version_that_others_change_at_the_same_time_keeps_their_changes(world: World) -> None:
    sync = await champion(world)
    world.mlflow.alias("churn", "champion", "2")
    others = iter(["eu", "us"])

    def meanwhile(verb: str, name: str) -> None:
        if (verb, name) == ("patch", "churn-2") and (tag := next(others, None)) is not None:
            world.cluster.set_tags("churn-2", *world.cluster.api.tags("churn-2", "shop"), tag)

    world.cluster.before = meanwhile
    await world.later(sync)
    assert world.cluster.api.tags("churn-2", "shop") == ["eu", "us", "production"]
    assert world.cluster.holders() == ["churn-2"]


async def test_a_version_that_others_change_each_time_is_tried_again(world: World) -> None:
    sync = await champion(world)
    world.mlflow.alias("churn", "champion", "2")
    tries = itertools.count()

    def meanwhile(verb: str, name: str) -> Conflict | None:
        return Conflict("changed") if (verb, name) == ("patch", "churn-2") and next(tries) < MAX_TRIES else None

    world.cluster.before = meanwhile
    await world.later(sync)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-1"], 1)
    await world.later(sync, 130)
    assert world.cluster.holders() == ["churn-2"]


async def test_an_alias_that_flaps_ends_where_it_is(world: World) -> None:
    sync = await champion(world)
    for number in ("2", "1", "2", "1", "2"):
        world.mlflow.alias("churn", "champion", number)
        await world.later(sync, 1)
        assert world.cluster.holders() == marked(world) == [f"churn-{number}"]


@pytest.mark.parametrize("seed", range(30))
async def test_two_processes_and_an_alias_that_flaps_between_them_come_to_rest_where_it_is(
    world: World, seed: int
) -> None:
    """Rule: R203."""
    chance = random.Random(seed)
    await champion(world)
    world.mlflow.register("churn")
    syncs = [world.sync(aliases=ALIASES, versions="All") for _ in range(2)]

    async def slow(_path: str) -> None:
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)

    def flap(_verb: str, _name: str) -> None:
        if chance.random() < 0.2:
            world.mlflow.alias("churn", "champion", chance.choice("123"))

    world.mlflow.pause, world.cluster.before = slow, flap
    for _ in range(4):
        await asyncio.gather(*(each.poll() for each in syncs))
        world.clock.seconds += 60
    world.cluster.before = lambda _verb, _name: None
    for _ in range(3):
        world.clock.seconds += RESYNC
        await syncs[0].poll()
        world.clock.seconds += RESYNC
        await syncs[1].poll()
    at = world.mlflow.models["churn"]["aliases"]["champion"]
    assert world.cluster.holders() == marked(world) == [f"churn-{at}"]
    writes = world.cluster.writes
    for each in syncs:
        await world.later(each, RESYNC)
    assert world.cluster.writes == writes, "they come to rest"


async def test_a_model_that_no_object_can_be_named_after_stops_no_other(world: World) -> None:
    for model in ("±", "churn"):
        world.mlflow.register(model)
        world.mlflow.alias(model, "champion", "1")
    await world.sync(aliases=ALIASES).poll()
    assert (world.cluster.holders(), world.failing("version")) == (["churn-1"], 1)


async def test_a_version_that_cannot_be_served_does_not_get_the_tag(world: World) -> None:
    sync = await champion(world)
    world.cluster.raw("churn-2")["spec"]["artifacts"] = [{"name": "model"}]
    world.mlflow.alias("churn", "champion", "2")
    await world.later(sync)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-1"], 1)


async def test_a_version_that_was_deleted_is_taken_over_again_and_gets_the_tag(world: World) -> None:
    sync = await champion(world)
    await world.later(sync)
    world.cluster.delete("churn-2")
    world.mlflow.alias("churn", "champion", "2")
    await world.later(sync)
    assert world.cluster.holders() == ["churn-1"]
    await world.later(sync)
    await world.later(sync, 130)
    assert (world.cluster.holders(), world.failing("tag")) == (["churn-2"], 0)
