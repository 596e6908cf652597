"""What a shell is offered for each word, from the objects of a cluster."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pennant.cli.completion import candidates
from pennant.core.facts.observation import Snapshot
from unit.cli.fake_api import FakeApi, served
from unit.cli.states import after_a_rollback
from unit.kube.api_server import a_kubeconfig
from unit.kube.raw import raw, raw_deployment, raw_version

Completed = Callable[..., list[str]]


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return asyncio.run(after_a_rollback())


@pytest.fixture
def completed(api: FakeApi, snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Completed]:
    """Return the candidates for the last word, in a cluster in which 1.1.0 was rolled back, without kubectl."""
    monkeypatch.setenv("PATH", str(tmp_path))
    api.add("modelversions", raw_version("1.0.0", "stable"), raw_version("1.1.0", "production"))
    api.add("modelversions", raw_version("1.0.0", "beta", spec={"model": "churn"}))
    api.add("modeldeployments", raw_deployment(status=snapshot.status.to_json()))
    api.add("modeldeployments", raw_deployment("other", spec={"model": "churn", "tag": "canary"}))
    api.add("deployments", raw("cards", {}), raw("web", {}))
    api.add("inferenceservices", raw("iris", {}))
    api.add("namespaces", raw("shop", {}, namespace=""))
    with served(api) as url:
        config = a_kubeconfig(tmp_path, url)

        def run(*words: str) -> list[str]:
            verb, *rest, last = words
            return [value for value, _ in candidates([verb, "--kubeconfig", str(config), *rest], last)]

        yield run


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("undo ''", ["fraud", "other"]),
        ("undo mdep/f", ["mdep/fraud"]),
        ("undo fraud --to-revision ''", ["3", "2", "1"]),
        ("undo fraud --to-version ''", ["1.0.0", "1.1.0"]),
        ("undo mdep/fraud --to-version 1.1", ["1.1.0"]),
        ("undo other --to-version ''", []),
        ("undo none --to-version ''", []),
        ("history fraud --revision ''", ["3", "2", "1"]),
        ("status fraud --for ''", ["serving", "verified", "condition=Verified"]),
        ("retry ''", ["fraud", "other"]),
        ("retry fraud ''", ["1.1.0"]),
        ("retry other ''", []),
        ("promote ''", ["churn-1.0.0", "fraud-1.0.0", "fraud-1.1.0"]),
        ("promote mver/fraud-1.1", ["mver/fraud-1.1.0"]),
        ("promote fraud-1.1.0 --tag ''", ["beta", "canary", "production", "stable"]),
        ("versions ''", ["churn", "fraud"]),
        ("versions --tag s", ["stable"]),
        ("versions -o ''", ["wide", "json", "yaml", "name"]),
        ("compare ''", ["churn-1.0.0", "fraud-1.0.0", "fraud-1.1.0", "fraud", "other"]),
        ("compare fraud-1.0.0 ''", ["fraud-1.1.0"]),
        ("compare fraud ''", []),
        ("compare --model fraud ''", ["1.0.0", "1.1.0"]),
        ("compare fraud-1.0.0 fraud-1.1.0 ''", []),
        ("adopt ''", ["deployment", "inferenceservice", "rollout", "seldondeployment"]),
        ("adopt deployment ''", ["cards", "web"]),
        ("adopt isvc/", ["isvc/iris"]),
        ("adopt deployment/w", ["deployment/web"]),
        ("adopt deployment web ''", []),
        ("get -n ''", ["shop"]),
        ("get --context ''", ["one", "two"]),
    ],
)
def test_each_word_is_completed(completed: Completed, words: str, offered: list[str]) -> None:
    assert completed(*(each.strip("'") for each in words.split())) == offered


def test_flags_before_the_verb_are_used(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    api.add("modeldeployments", raw_deployment(), raw_deployment("other", namespace="shop"))
    with served(api) as url:
        before = ["--kubeconfig", str(a_kubeconfig(tmp_path, url))]
        for words, offered in (([], "fraud"), (["-n", "shop"], "other")):
            assert [each for each, _ in candidates([*before, *words, "undo"], "")] == [offered]
            assert [each for each, _ in candidates([*before, "undo", *words], "")] == [offered]
        assert candidates([*before, "-n", "shop"], "hi") == [("history", "View the rollout history")]
        assert [each for each, _ in candidates(before, "--name")] == ["--namespace"]


def test_kubectl_reads_the_objects_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts faster than our own client; its options are those of the command line."""
    said = {"items": [raw_deployment("told")]}
    program = tmp_path / "kubectl"
    program.write_text(f"#!/bin/sh\necho \"$@\" >{tmp_path}/asked\ncat <<'JSON'\n{json.dumps(said)}\nJSON\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert [value for value, _ in candidates(["undo", "-n", "shop", "--context", "eu"], "t")] == ["told"]
    asked = (tmp_path / "asked").read_text().split()
    assert asked[:2] == ["get", "modeldeployments.pennant.dev"]
    assert {"--namespace=shop", "--context=eu", "--output=json"} <= set(asked)
    program.write_text("#!/bin/sh\nexit 1\n")
    assert candidates(["undo"], "t") == []
