"""Polls of a registry: what is taken over, what it costs, and what a fault stops."""

import asyncio
import json
import logging
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from pennant.kube.http.errors import Throttled
from pennant.ports import Refused, Unavailable
from pennant.registries.catalogue import Given
from pennant.registries.protocol import Found, FoundVersion, NoAccess, Registry, RegistryError, Selection
from unit.core.builders import NOON
from unit.sync.conftest import RESYNC, World
from unit.sync.living_mlflow import LivingMlflow
from unit.sync.memory_api import MemoryApi


def down_after(world: World, limit: int, error: Exception, _path: str) -> Exception | None:
    """Return the error where the registry was asked so often."""
    return error if len(world.mlflow.asked) > limit else None


async def test_new_versions_are_taken_over_once(world: World) -> None:
    """Rule: R201."""
    for _ in range(3):
        world.mlflow.register("Churn")
    world.mlflow.register("fraud")
    world.mlflow.alias("Churn", "champion", "1")
    sync = world.sync()
    await sync.poll()
    assert world.cluster.names() == ["churn-1", "churn-3", "fraud-1"], "the newest and those with an alias"
    raw = world.cluster.raw("churn-3")
    assert raw["spec"]["source"]["version"] == "3"
    assert raw["spec"]["hyperparameters"] == [{"name": "depth", "value": "3"}]
    world.mlflow.register("Churn")
    await world.later(sync)
    assert world.cluster.names() == ["churn-1", "churn-3", "churn-4", "fraud-1"]
    assert set(world.cluster.managers.values()) == {"pennant-sync-mlflow"}


async def test_without_a_change_nothing_is_written_and_no_record_is_read(world: World) -> None:
    """Rule: R207."""
    for number in range(250):
        world.mlflow.register(f"model-{number}")
    for _ in range(3):
        world.mlflow.register("model-7")
    world.mlflow.alias("model-7", "champion", "2")
    sync = world.sync(aliases={"champion": "production"})
    await sync.poll()
    # After a move there is one more list, in case a user moved the tag as well.
    await world.later(sync)
    world.forget()
    for _ in range(5):
        await world.later(sync)
    assert Counter(world.mlflow.asked) == {"/api/2.0/mlflow/registered-models/search": 15}, "a request a 100 models"
    assert world.cluster.asked == {}
    await world.later(sync, RESYNC)
    assert world.cluster.asked == {"list": 1}


async def test_a_new_process_reads_no_record_that_is_there(world: World) -> None:
    for _ in range(230):
        world.mlflow.register("churn")
    await world.sync(versions="All").poll()
    assert len(world.cluster.names()) == 230
    world.forget()
    await world.sync(versions="All").poll()
    assert Counter(world.mlflow.asked) == {
        "/api/2.0/mlflow/registered-models/search": 1,
        "/api/2.0/mlflow/registered-models/get": 1,
        "/api/2.0/mlflow/model-versions/search": 3,
    }
    assert world.cluster.asked == {"list": 1}


async def test_a_list_of_all_versions_ends_at_the_first_that_is_known(world: World) -> None:
    for _ in range(230):
        world.mlflow.register("churn")
    sync = world.sync(versions="All")
    await sync.poll()
    world.mlflow.register("churn")
    world.forget()
    await world.later(sync)
    assert Counter(world.mlflow.asked)["/api/2.0/mlflow/model-versions/search"] == 1
    assert "churn-231" in world.cluster.names()


async def test_ten_thousand_versions_need_little_memory(world: World) -> None:
    world.mlflow.register("churn")
    await world.sync().poll()
    first = json.dumps(world.cluster.raw("churn-1"))
    for number in range(2, 10_001):
        world.mlflow.register("churn")
        raw = json.loads(
            first.replace('churn-1"', f'churn-{number}"').replace('"version": "1"', f'"version": "{number}"')
        )
        world.cluster.api.add("modelversions", raw)
    world.forget()
    tracemalloc.start()
    try:
        sync = world.sync(versions="All")
        await sync.poll()
        kept, peak = (each / 2**20 for each in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()
    assert (world.cluster.writes, len(world.mlflow.asked)) == (0, 102)
    assert kept < 8, f"{kept:.1f} MiB"
    assert peak < 12, f"{peak:.1f} MiB"


async def test_a_version_that_fails_stops_no_other_and_is_tried_again_later_and_later(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Rule: R202."""
    caplog.set_level(logging.INFO)
    world.mlflow.register("churn", source="")
    world.mlflow.register("churn")
    sync = world.sync(versions="All")
    await sync.poll()
    assert world.cluster.names() == ["churn-2"]
    assert world.failing("version") == 1
    world.forget()
    for _ in range(20):
        await world.later(sync)
    lists = Counter(world.mlflow.asked)["/api/2.0/mlflow/model-versions/search"]
    assert 3 <= lists <= 6, "after about 1, 2, 4, 8 and 16 minutes"
    said = [each for each in caplog.records if "its source is empty" in each.getMessage()]
    assert len(said) == 1, "it is said once"
    world.mlflow.models["churn"]["versions"]["1"]["source"] = "s3://models/churn/1"
    world.mlflow.models["churn"]["changed"] += 1
    await world.later(sync)
    assert world.cluster.names() == ["churn-1", "churn-2"], "a change of the model ends the waiting"
    assert world.failing("version") == 0


async def test_a_version_that_is_copied_is_taken_over_when_it_is_ready(world: World) -> None:
    world.mlflow.register("churn", status="PENDING_REGISTRATION")
    sync = world.sync()
    await sync.poll()
    assert (world.cluster.names(), world.failing("version")) == ([], 0)
    world.mlflow.models["churn"]["versions"]["1"]["status"] = "READY"
    await world.later(sync)
    assert world.cluster.names() == ["churn-1"]


async def test_a_version_waits_for_the_end_of_its_run(world: World) -> None:
    """Rule: R206."""
    world.mlflow.register("churn", run_ends=False)
    sync = world.sync(settleSeconds=900)
    await sync.poll()
    await world.later(sync)
    assert (world.cluster.names(), world.failing("version")) == ([], 0)
    world.mlflow.end("churn", "1")
    world.mlflow.runs[b"churn-1".hex()]["data"]["metrics"] = [{"key": "auc", "value": 0.9}]
    await world.later(sync, 130)
    assert world.cluster.raw("churn-1")["spec"]["metrics"][0]["value"] == "0.9"


async def test_a_run_that_never_ends_is_not_waited_for_for_ever(world: World) -> None:
    world.mlflow.register("churn", run_ends=False)
    sync = world.sync(settleSeconds=900)
    await sync.poll()
    for _ in range(12):
        await world.later(sync)
    assert world.cluster.names() == ["churn-1"]


@pytest.mark.parametrize(
    "error",
    [NoAccess("it does not answer"), RegistryError("it answers with JSON that ends early"), RegistryError("503")],
    ids=["down", "rubbish", "busy"],
)
async def test_a_registry_that_is_down_loses_nothing(world: World, error: RegistryError) -> None:
    """Rule: R202."""
    for _ in range(30):
        world.mlflow.register("churn")
    for number in range(10):
        world.mlflow.register(f"other-{number}")
    sync = world.sync(versions="All")
    # Each request may be the one at which it goes down.
    for limit in range(0, 150, 7):
        world.forget()
        world.mlflow.fault = partial(down_after, world, limit, error)
        with suppress(RegistryError):
            await world.later(sync)
    world.mlflow.fault = lambda _path: None
    await world.later(sync, 4000)
    assert len(world.cluster.names()) == 40
    assert world.failing("version") == 0


async def test_a_model_that_cannot_be_read_stops_no_other(world: World) -> None:
    for name in ("aa", "bb", "cc"):
        world.mlflow.register(name)
    broken = [RegistryError("the experiment is gone")]

    class Broken(dict[str, Any]):
        def values(self) -> Any:
            raise broken[0]

    versions = world.mlflow.models["bb"]["versions"]
    world.mlflow.models["bb"]["versions"] = Broken()
    sync = world.sync()
    await sync.poll()
    assert (world.cluster.names(), world.failing("version")) == (["aa-1", "cc-1"], 1)
    world.mlflow.models["bb"]["versions"] = versions
    await world.later(sync)
    assert (world.cluster.names(), world.failing("version")) == (["aa-1", "bb-1", "cc-1"], 0)


async def test_a_registry_that_hangs_ends_the_poll(world: World) -> None:
    world.mlflow.register("churn")

    async def hang(_path: str) -> None:
        await asyncio.sleep(3600)

    world.mlflow.pause = hang
    sync = world.sync(timeoutSeconds=1)
    with pytest.raises(RegistryError, match="within 1 s; is it hanging"):
        await sync.poll()
    world.mlflow.pause = None
    await world.later(sync)
    assert world.cluster.names() == ["churn-1"]


async def test_a_slow_registry_that_makes_progress_is_read_to_its_end(world: World) -> None:
    for number in range(8):
        world.mlflow.register(f"model-{number}")

    async def slow(path: str) -> None:
        await asyncio.sleep(0.2 if path.endswith("runs/get") else 0)

    world.mlflow.pause = slow
    await world.sync(timeoutSeconds=1).poll()
    assert len(world.cluster.names()) == 8


async def test_two_processes_at_once_create_each_version_once(world: World) -> None:
    """Rule: R201."""
    for _ in range(40):
        world.mlflow.register("churn")
    one, other = world.sync(versions="All"), world.sync(versions="All")
    await asyncio.gather(one.poll(), other.poll())
    assert len(world.cluster.names()) == 40
    assert sorted(Counter(world.cluster.api.made).values())[-1] == 1
    assert world.failing("version") == 0
    world.forget()
    for each in (one, other):
        await world.later(each)
    assert world.cluster.asked == {}


async def test_a_version_that_says_something_else_is_told_and_not_replaced(world: World) -> None:
    """Rule: R201."""
    world.mlflow.register("churn")
    await world.sync().poll()
    before = world.cluster.raw("churn-1")
    # Another server, or another model whose name becomes the same.
    world.cluster.raw("churn-1")["spec"]["source"]["instance"] = "https://other.example"
    sync = world.sync()
    await sync.poll()
    assert world.failing("version") == 1
    assert world.cluster.raw("churn-1") is before
    assert "patch" not in world.cluster.asked


async def test_a_version_that_is_deleted_in_the_cluster_comes_back_after_the_next_list(world: World) -> None:
    world.mlflow.register("churn")
    sync = world.sync()
    await sync.poll()
    world.cluster.delete("churn-1")
    await world.later(sync)
    assert world.cluster.names() == [], "the list is not due"
    await world.later(sync, RESYNC)
    assert world.cluster.names() == ["churn-1"]


@pytest.mark.parametrize(
    "error",
    [Unavailable("the API server does not answer"), Throttled("later", 1.0), Refused("modelversions is forbidden")],
    ids=["down", "throttled", "forbidden"],
)
async def test_an_api_server_that_takes_nothing_loses_nothing(world: World, error: Exception) -> None:
    for _ in range(5):
        world.mlflow.register("churn")
    sync = world.sync(versions="All")
    world.cluster.before = lambda verb, name: error if (verb, name) == ("create", "churn-3") else None
    with pytest.raises(type(error)):
        await sync.poll()
    world.cluster.before = lambda _verb, _name: None
    await world.later(sync)
    assert len(world.cluster.names()) == 5


async def test_a_record_that_the_api_server_refuses_stops_no_other(world: World) -> None:
    for _ in range(3):
        world.mlflow.register("churn")
    world.cluster.before = lambda verb, name: (
        Refused("spec.uri is wrong") if (verb, name) == ("create", "churn-2") else None
    )
    sync = world.sync(versions="All")
    await sync.poll()
    assert (world.cluster.names(), world.failing("version")) == (["churn-1", "churn-3"], 1)


async def test_only_named_models_are_taken_over_and_one_that_is_not_there_is_told(world: World) -> None:
    for name in ("churn", "fraud", "other"):
        world.mlflow.register(name)
    sync = world.sync(models=["churn", "chrun", "fraud"])
    await sync.poll()
    assert (world.cluster.names(), world.failing("version")) == (["churn-1", "fraud-1"], 1)
    await world.later(sync)
    assert world.failing("version") == 1
    world.mlflow.register("chrun")
    await world.later(sync)
    assert world.failing("version") == 0


async def test_a_hint_polls_one_model(world: World) -> None:
    """Rule: R205."""
    for name in ("churn", "fraud"):
        world.mlflow.register(name)
    sync = world.sync()
    await sync.poll()
    world.mlflow.register("churn")
    world.mlflow.register("fraud")
    world.forget()
    await sync.poll({"churn", "nothing of the kind"})
    assert world.cluster.names() == ["churn-1", "churn-2", "fraud-1"]
    assert not [each for each in world.mlflow.asked if each.endswith("registered-models/search")]
    await world.sync(models=["fraud"]).poll({"churn"})


async def test_since_takes_over_what_was_created_since_and_what_has_an_alias(world: World) -> None:
    for day in range(4):
        world.mlflow.now = NOON - timedelta(days=10 - day)
        world.mlflow.register("churn")
    world.mlflow.alias("churn", "champion", "1")
    await world.sync(since=NOON - timedelta(days=8, hours=1)).poll()
    assert world.cluster.names() == ["churn-1", "churn-3", "churn-4"]


async def test_another_process_that_takes_over_in_another_namespace_is_no_matter(world: World) -> None:
    other = MemoryApi()
    world.mlflow.register("churn")
    await world.sync().poll()
    await world.sync(other).poll()
    assert world.cluster.names() == other.names() == ["churn-1"]


class Plain:
    """A registry that offers only what each one must: it does not say what changed, and reads all versions anew."""

    def __init__(self, mlflow: Registry) -> None:
        self._mlflow = mlflow
        self.models, self.files, self.content = mlflow.models, mlflow.files, mlflow.content

    def versions(self, model: str, selection: Selection) -> AsyncIterator[Found]:
        return self._mlflow.versions(model, Selection(selection.is_all, selection.since))


async def test_a_registry_that_does_not_say_what_changed_is_read_anew_and_costs_the_cluster_nothing(
    world: World,
) -> None:
    @asynccontextmanager
    async def opened(kind: str, given: Given) -> AsyncIterator[Registry]:
        async with LivingMlflow.opened(world.mlflow, kind, given) as mlflow:
            yield Plain(mlflow)

    for source in ("s3://models/1", "", "s3://models/3"):
        world.mlflow.register("churn", source=source)
    world.mlflow.alias("churn", "champion", "1")
    world.mlflow.opened = opened  # type: ignore[method-assign]
    sync = world.sync(versions="All", aliases={"champion": "production"})
    await sync.poll()
    assert (world.cluster.names(), world.cluster.holders()) == (["churn-1", "churn-3"], ["churn-1"])
    await world.later(sync)
    world.forget()
    for _ in range(3):
        await world.later(sync)
    assert (world.cluster.asked, world.failing("version")) == ({}, 1)
    world.mlflow.alias("churn", "champion", "3")
    await world.later(sync)
    assert world.cluster.holders() == ["churn-3"]
    await world.later(world.sync(models=["nothing"]))
    assert world.failing("version") == 1


class Renamed(Plain):
    """A registry whose records name a model otherwise than its list, as those that have identifiers do."""

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[Found]:
        async for each in super().versions(model, selection):
            assert isinstance(each, FoundVersion)
            source = {**each.record["source"], "registry": "Other", "modelName": f"id-of-{model}", "version": "v"}
            yield replace(each, record={**each.record, "source": source})


async def test_a_registry_whose_records_have_other_names_is_taken_over_once_and_has_aliases(world: World) -> None:
    @asynccontextmanager
    async def opened(kind: str, given: Given) -> AsyncIterator[Registry]:
        async with LivingMlflow.opened(world.mlflow, kind, given) as mlflow:
            yield Renamed(mlflow)

    world.mlflow.register("churn")
    world.mlflow.alias("churn", "champion", "1")
    world.mlflow.opened = opened  # type: ignore[method-assign]
    await world.sync(aliases={"champion": "production"}).poll()
    assert world.cluster.holders() == ["churn-1"]
    world.forget()
    sync = world.sync(aliases={"champion": "production"})
    for _ in range(3):
        await world.later(sync)
    assert (world.cluster.asked, world.failing("tag"), world.failing("version")) == ({"list": 1}, 0, 0)
