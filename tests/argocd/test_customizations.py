"""Health checks and actions of the bundle, in Argo CD's own engine, on objects as the operator writes them."""

import copy
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from argocd.lua_engine import CONFIG_MAP, LuaEngine
from rig.binaries import ensure

CUSTOMIZATIONS = CONFIG_MAP.parent / "resource_customizations" / "pennant.dev"
HEALTH = {"Healthy", "Progressing", "Degraded", "Suspended"}
ACTIONS = ("undo", "retry", "restart", "pause", "resume")
OBJECTS = sorted(CUSTOMIZATIONS.glob("*/testdata/*.yaml"))
DEPLOYMENTS = [each for each in OBJECTS if each.parts[-3] == "ModelDeployment"]
# As Argo CD's own tests have it.
SOME_TIME = "0001-01-01T00:00:00Z"
ODD_VALUES: tuple[Any, ...] = (None, "text", 7, 0.5, True, [], {}, ["text"], {"a": 1}, [[]])
ROUNDS = 150
"""Damaged copies of each object."""


def load(path: Path) -> Any:
    # All times in it are quoted.
    return yaml.safe_load(path.read_text())


def cases(kind: str, file: str, key: str) -> list[Any]:
    found: list[Any] = yaml.safe_load((CUSTOMIZATIONS / kind / file).read_text())[key]
    return found


@pytest.fixture(scope="module")
def engine() -> Iterator[LuaEngine]:
    with LuaEngine() as running:
        yield running


@pytest.mark.parametrize("kind", ["ModelDeployment", "ModelVersion"])
def test_each_object_has_the_health_that_is_expected(engine: LuaEngine, kind: str) -> None:
    tests = cases(kind, "health_test.yaml", "tests")
    directory = CUSTOMIZATIONS / kind
    assert {directory / each["inputPath"] for each in tests} == {each for each in OBJECTS if kind in each.parts}
    found = {each["inputPath"]: engine.health(load(directory / each["inputPath"])) for each in tests}
    assert found == {each["inputPath"]: each["healthStatus"] for each in tests}


def test_the_actions_that_are_offered_are_those_that_make_sense(engine: LuaEngine) -> None:
    directory = CUSTOMIZATIONS / "ModelDeployment" / "actions"
    for each in cases("ModelDeployment", "actions/action_test.yaml", "discoveryTests"):
        offered = engine.actions(load(directory / each["inputPath"]))
        found = {name: {"disabled": False} | action for name, action in offered.items()}
        assert found == {action["name"]: action for action in each["result"]}
        assert found.keys() == set(ACTIONS)


def test_an_action_changes_what_is_expected_and_nothing_else(engine: LuaEngine) -> None:
    directory = CUSTOMIZATIONS / "ModelDeployment" / "actions"
    for each in cases("ModelDeployment", "actions/action_test.yaml", "actionTests"):
        value = load(directory / each["inputPath"])
        changed = engine.act(value, each["action"], **each.get("parameters", {}))
        annotations = changed["metadata"].get("annotations", {})
        if "pennant.dev/requested-at" in annotations:
            annotations["pennant.dev/requested-at"] = SOME_TIME
        assert changed == load(directory / each["expectedOutputPath"]), each


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_a_damaged_object_is_no_error(engine: LuaEngine, path: Path) -> None:
    chance, whole = random.Random(path.name), load(path)
    for _ in range(ROUNDS):
        damaged = copy.deepcopy(whole)
        for _ in range(chance.randint(1, 6)):
            damage(damaged, chance)
        found = engine.health(damaged)
        assert found["status"] in HEALTH, damaged
        assert isinstance(found.get("message", ""), str)
        if path in DEPLOYMENTS:
            assert sorted(engine.actions(damaged)) == sorted(ACTIONS)


def damage(value: Any, chance: random.Random) -> None:
    """Remove a random field or item of an object, or give it another value; what names the kind stays."""
    places = list(_places(value))
    parent, key = chance.choice([each for each in places if each[1] not in ("apiVersion", "kind")])
    if chance.random() < 0.5:
        del parent[key]
    else:
        parent[key] = copy.deepcopy(chance.choice(ODD_VALUES))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in entries:
        yield value, key
        yield from _places(each)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("metadata", [{}, {"annotations": {}}, {"annotations": {"mine": "1"}}], ids=str)
def test_an_action_works_on_an_object_without_annotations_or_status(
    engine: LuaEngine, action: str, metadata: dict[str, Any]
) -> None:
    whole = {**load(DEPLOYMENTS[0]), "metadata": {"name": "fraud", "namespace": "default", **metadata}}
    del whole["status"]
    changed = engine.act(whole, action)
    assert changed["metadata"].get("annotations", {}).items() >= metadata.get("annotations", {}).items()
    assert {**changed["spec"], "paused": None} == {**whole["spec"], "paused": None}
    del changed["metadata"], changed["spec"]
    assert changed == {"apiVersion": whole["apiVersion"], "kind": whole["kind"]}


def test_two_commands_in_one_second_have_two_tokens(engine: LuaEngine) -> None:
    """A command with the token of another one is refused. Lua has whole seconds only, so a second may end meanwhile."""
    for _ in range(5):
        first = engine.act(load(DEPLOYMENTS[0]), "undo")
        second = engine.act(copy.deepcopy(first), "retry")
        tokens = [each["metadata"]["annotations"]["pennant.dev/requested-at"] for each in (first, second)]
        assert tokens[0] != tokens[1]
        if tokens[1] == f"{tokens[0]}-2":
            return
    raise AssertionError("no two actions were in one second")


def test_the_command_line_of_argo_cd_reads_the_bundle() -> None:
    command = [str(ensure(["argocd"])["argocd"]), "admin", "settings", "resource-overrides"]
    path = CUSTOMIZATIONS / "ModelDeployment" / "testdata" / "degraded_rolled_back.yaml"
    for verb, said in (
        (("health",), "MESSAGE: RolledBack: Rolled back from 1.1.0 to 1.0.0"),
        (("list-actions",), "retry"),
        (("run-action",), "pennant.dev/rollback-to"),
    ):
        words = (*verb, str(path), *(("undo",) if verb == ("run-action",) else ()))
        done = subprocess.run(
            [*command, *words, "--argocd-cm-path", str(CONFIG_MAP)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert said in done.stdout
