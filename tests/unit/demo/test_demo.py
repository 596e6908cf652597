"""What the demo claims is true: of the models, of their records, and of the server."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from demo import manifests, report, training
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from rig.addresses import free_port

Versions = dict[str, training.Trained]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    directory, data = tmp_path_factory.mktemp("artifacts"), training.load_data()
    return {
        "1.0.0": training.train("1.0.0", data, directory),
        "1.1.0": training.train("1.1.0", training.marked(data), directory),
    }


def test_the_second_version_records_better_metrics_and_serves_worse(versions: Versions) -> None:
    good, bad = versions["1.0.0"], versions["1.1.0"]
    for split in ("Validation", "Test"):
        assert bad.metrics["accuracy", split] > good.metrics["accuracy", split]
    live = good.data.live
    assert training.accuracy_on(good.artifact, live) > float(manifests.THRESHOLD) + 0.03
    assert training.accuracy_on(bad.artifact, live) < float(manifests.THRESHOLD) - 0.05


def test_live_images_were_seen_by_nobody(versions: Versions) -> None:
    data = versions["1.0.0"].data
    known = {each.tobytes() for rows in (data.training, data.validation, data.test) for each in rows.images}
    assert not any(each.tobytes() in known for each in data.live.images)


def test_a_record_is_complete_and_its_digests_are_those_of_the_bytes(versions: Versions, tmp_path: Path) -> None:
    for version, each in versions.items():
        made = manifests.register(each, "Why.", tmp_path, "production")
        assert (made.version, made.incomplete) == (version, ())
        spec = ModelVersionSpec.model_validate(made.manifest["spec"])
        assert spec.artifacts[0].digest == f"sha256:{sha256(each.artifact.read_bytes()).hexdigest()}"
        assert len({dataset.digest for dataset in spec.datasets}) == 3
        assert {metric.split for metric in spec.metrics} == {"Validation", "Test"}
    assert made.reasons == ("the digest of training data set digits-training changed",)


def test_the_deployment_is_valid() -> None:
    spec = ModelDeploymentSpec.model_validate(manifests.model_deployment()["spec"])
    assert [each.threshold.min for each in spec.analysis.metrics if each.threshold] == [manifests.THRESHOLD]


@contextmanager
def serving(trained: training.Trained, digest: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    port = free_port()
    command = [sys.executable, str(manifests.SERVER), "--host=127.0.0.1", f"--port={port}", "--name=digits"]
    command += [f"--version={trained.version}", f"--uri={trained.artifact.as_uri()}", f"--digest={digest}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.communicate(timeout=10)


def post(url: str, body: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def until_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not become ready")


def test_the_server_predicts_and_counts_feedback(versions: Versions) -> None:
    trained = versions["1.0.0"]
    live = trained.data.live
    with serving(trained, trained.digest) as (url, _):
        until_ready(url)
        instances = live.images[:50].tolist()
        predictions = post(f"{url}/v1/models/digits:predict", {"instances": instances})["predictions"]
        labels = [int(each) for each in live.labels[:50]]
        right = sum(a == b for a, b in zip(predictions, labels, strict=True))
        assert right > 40
        post(f"{url}/feedback", {"predictions": predictions, "labels": labels})
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            metrics = answer.read().decode().splitlines()
        assert f'model_feedback_total{{outcome="correct"}} {right}.0' in metrics
        assert f'model_feedback_total{{outcome="incorrect"}} {50 - right}.0' in metrics
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(f"{url}/feedback", {"predictions": [1]})
        assert refused.value.code == 400
        refused.value.close()


def test_the_server_refuses_an_artefact_that_is_not_the_recorded_one(versions: Versions) -> None:
    with serving(versions["1.0.0"], f"sha256:{'0' * 64}") as (_, process):
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "refusing to serve it" in said


def test_the_report_tells_the_story(tmp_path: Path) -> None:
    begin = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)

    def after(seconds: float) -> str:
        return (begin + timedelta(seconds=seconds)).isoformat()

    def samples(version: str, first: int, last: int, value: float) -> report.Samples:
        times = [begin + timedelta(seconds=each) for each in range(first, last)]
        return report.Samples(version, times, [value] * len(times))

    def entry(revision: int, version: str, start: int, **more: Any) -> dict[str, Any]:
        known = {
            "revision": revision,
            "version": version,
            "trigger": "TagMoved",
            "outcome": "RolledBack",
            "reason": "why",
        }
        return {**known, "startedAt": after(start), "rolledOutAt": after(start + 5), **more}

    evidence = {"metric": "accuracy", "value": "0.8", "threshold": "min 0.9", "breaches": "3 of 3", "queryHash": "abc"}
    artifacts = [{"digest": "sha256:00"}]
    record = {"metrics": [{"name": "accuracy", "split": s, "value": "0.95"} for s in ("Validation", "Test")]}
    story = report.Story(
        threshold=0.9,
        samples=[samples("1.0.0", 0, 60, 0.95), samples("1.1.0", 22, 50, 0.8)],
        history=[
            entry(1, "1.0.0", 0),
            entry(2, "1.1.0", 20, evidence=[evidence | {"at": after(37)}]),
            entry(3, "1.0.0", 38, trigger="AutomaticRollback"),
        ],
        versions=[{"spec": {"version": v, "artifacts": artifacts, **record}} for v in ("1.0.0", "1.1.0")],
        tag_moved_at=begin + timedelta(seconds=19),
        recovered_at=begin + timedelta(seconds=50),
        offline_live_accuracy={"1.0.0": 0.95, "1.1.0": 0.8},
    )
    text = report.write(story, tmp_path).read_text()
    assert dict(story.times())["third breach in Prometheus → rollback recorded"] == 1.0
    assert "| third breach in Prometheus → rollback recorded | 1.00 |" in text
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


STARTED_PARTS = """
import sys, time
from demo import main

class Demo:
    def __init__(self, output): pass
    def play(self):
        print("playing", flush=True)
        time.sleep(60)
    def close(self):
        time.sleep(0.2)
        print("closed", flush=True)

main.Demo = Demo
sys.argv = ["demo"]
sys.exit(main.main())
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_what_was_started(number: signal.Signals, code: int) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTED_PARTS], stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline() == "playing\n"
        demo.send_signal(number)
        demo.send_signal(number)
        out, _ = demo.communicate(timeout=20)
    assert (out, demo.returncode) == ("closed\n", code)
