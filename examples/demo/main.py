"""Runs the demo on a real control plane, prints each step with its time, and writes a report."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo import manifests, report, training
from demo.traffic import Traffic
from rig import Rig
from rig.errors import RigError

ROOT = Path(__file__).parent.parent.parent
NAME = training.MODEL
GOOD, BAD = "1.0.0", "1.1.0"
Object = dict[str, Any]


class DidNotHappen(Exception):
    """A step did not happen in time."""


class Demo:
    """The steps of the demo, and the processes that it starts."""

    def __init__(self, output: Path) -> None:
        """Run in a temporary directory, and write the report to `output`."""
        self._output = output
        self._begun = time.monotonic()
        self._directory = Path(tempfile.mkdtemp(prefix="pennant-demo-"))
        self._operator_log = self._directory / "operator.log"
        self._parts = ExitStack()

    def play(self) -> None:
        """Run all steps; raises `DidNotHappen` with the step that did not happen in time."""
        self.rig = self._parts.enter_context(Rig.start(self._directory / "rig"))
        self._say("control plane", f"kube-apiserver, etcd, Prometheus and a test node run on {self.rig.api_server}")
        self._start_operator()
        versions = self._train()
        self._deploy_first(versions)
        traffic = Traffic(versions[GOOD].data.live, self._ready_pods)
        self._parts.callback(traffic.stop)
        traffic.start()
        self._say("traffic", "held-out images arrive, 60 a second, and their labels follow as feedback")
        self._until(lambda: self._verified(GOOD), 90, f"{GOOD} verified")
        self._say("verified", f"{GOOD} passed every check for its bake time")
        tag_moved_at = self._promote_second(versions)
        self._until(self._failed, 120, f"the failure of {BAD}")
        evidence = self._history()[1]["evidence"][0]
        self._say(
            "breach",
            f"live accuracy is {float(evidence['value']):.3f}, {evidence['threshold']}, {evidence['breaches']}",
        )
        self._until(self._back, 60, f"the rollback to {GOOD}")
        self._say("rolled back", f"{GOOD} serves again, without any user action")
        self._until(lambda: self._accuracy() > float(manifests.THRESHOLD), 60, "the recovery of live accuracy")
        recovered_at = datetime.now(UTC)
        self._say("recovered", f"live accuracy is {self._accuracy():.3f}")
        self._until(lambda: self._verified(GOOD), 60, f"{GOOD} verified again")
        self._say("traffic", f"{traffic.sent} images were predicted, {traffic.failed} requests failed")
        self._show()
        self._report(versions, tag_moved_at, recovered_at)

    def keep(self) -> None:
        """Leave the cluster running until Ctrl-C."""
        print(f"\nThe cluster keeps running. In another terminal:\n\n  export KUBECONFIG={self.rig.kubeconfig}\n")
        print(f"  alias kubectl={self.rig.binary('kubectl')}")
        print(f"  export PATH={Path(sys.executable).parent}:$PATH      # for the plugin")
        print(f"  kubectl pennant get {NAME}\n  kubectl pennant dashboard\n\nPress Ctrl-C to stop it.")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print()

    def close(self) -> None:
        """Stop everything that was started."""
        self._parts.close()

    def explain(self) -> str:
        """Return the conditions and the end of the operator's log, for a step that did not happen."""
        lines = []
        if hasattr(self, "rig"):
            status = self._get("modeldeployment", NAME).get("status", {})
            lines += [
                f"  {c['type']}={c['status']} {c['reason']}: {c['message']}" for c in status.get("conditions", [])
            ]
        if self._operator_log.exists():
            lines += ["last lines of the operator's log:", *self._operator_log.read_text().splitlines()[-10:]]
        return "\n".join(lines)

    # The steps.
    def _start_operator(self) -> None:
        self.rig.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        self.rig.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        sources = self._directory / "sources.yaml"
        sources.write_text(f"sources:\n  default:\n    url: {self.rig.prometheus_url}\n")
        environment = os.environ | {
            "KUBECONFIG": str(self.rig.kubeconfig),
            "PENNANT_METRIC_SOURCES": str(sources),
            "PENNANT_PORT": "0",
        }
        with self._operator_log.open("wb") as log:
            operator = subprocess.Popen(
                [sys.executable, "-m", "pennant", "run"], env=environment, stdout=log, stderr=log
            )

        def stop() -> None:
            operator.terminate()
            try:
                operator.wait(10)
            except subprocess.TimeoutExpired:
                operator.kill()

        self._parts.callback(stop)
        self._until(lambda: "Leading" in self._operator_log.read_text(), 30, "the operator's start")
        self._say("operator", "python -m pennant run")

    def _train(self) -> dict[str, training.Trained]:
        data, artifacts = training.load_data(), self._directory / "artifacts"
        versions = {
            GOOD: training.train(GOOD, data, artifacts),
            BAD: training.train(BAD, training.marked(data), artifacts),
        }
        for each in versions.values():
            recorded = each.metrics["accuracy", "Validation"]
            self._say("trained", f"{each.version}: validation accuracy {recorded:.4f}, {each.digest[:19]}…")
        self._say(
            "note", f"{BAD} has better recorded metrics: its images were exported with the label in the first pixel"
        )
        return versions

    def _deploy_first(self, versions: dict[str, training.Trained]) -> None:
        self._repository = self._directory / "repository"
        self._register(versions[GOOD], "First version.", "production")
        manifests.write(self._repository, manifests.model_deployment())
        self._apply()
        self._say("apply", f"ModelVersion {NAME}-{GOOD} with the tag production, and ModelDeployment {NAME}")
        self._until(lambda: self._condition("Ready") == "True", 90, f"{GOOD} ready")
        self._say("ready", f"{len(self._ready_pods())} pods serve {GOOD}")

    def _register(self, trained: training.Trained, reason: str, *tags: str) -> None:
        """Write the manifest of a version, as the last line of its training does."""
        made = manifests.register(trained, reason, self._repository, *tags)
        if made.version != trained.version:
            raise DidNotHappen(f"the registration of {trained.version}: it is {made.version}, {made.reasons}")
        self._say("register", f"{made.name}: {'; '.join(made.reasons)}")

    def _promote_second(self, versions: dict[str, training.Trained]) -> datetime:
        self._register(versions[BAD], "Images exported by the annotation tool.")
        self._pennant("promote", f"{NAME}-{BAD}", "--write", str(self._repository))
        moved_at = datetime.now(UTC)
        self._apply()
        self._say("apply", f"the tag production moves to {BAD} by `promote --write` and `kubectl apply` of the files")
        self._until(lambda: self._history()[-1]["version"] == BAD, 30, f"the rollout of {BAD}")
        return moved_at

    def _show(self) -> None:
        """Print what a user of the command line sees at the end."""
        print()
        for verb in (("history", NAME), ("get", NAME), ("audit", NAME, "--verify")):
            print(f"$ kubectl pennant {' '.join(verb)}\n{self._pennant(*verb)}\n")

    def _pennant(self, *arguments: str) -> str:
        """Return what the kubectl plugin prints; kubectl finds it beside the Python that runs this."""
        environment = os.environ | {
            "KUBECONFIG": str(self.rig.kubeconfig),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "160",
        }
        command = [str(self.rig.binary("kubectl")), "pennant", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.rstrip()

    def _report(self, versions: dict[str, training.Trained], tag_moved_at: datetime, recovered_at: datetime) -> None:
        history = self._history()
        hashes = {entry["version"]: entry["templateHash"] for entry in history}
        query = manifests.ACCURACY.replace("${namespace}", "default")
        query = query.replace("${window}", f"{manifests.INTERVAL_SECONDS}s")
        samples = report.live_accuracy(self.rig.prometheus_url, query, hashes, report.moment(history[0]["startedAt"]))
        live = versions[GOOD].data.live
        story = report.Story(
            threshold=float(manifests.THRESHOLD),
            samples=samples,
            history=history,
            versions=[self._get("modelversion", f"{NAME}-{each}") for each in (GOOD, BAD)],
            tag_moved_at=tag_moved_at,
            recovered_at=recovered_at,
            offline_live_accuracy={
                each.version: training.accuracy_on(each.artifact, live) for each in versions.values()
            },
        )
        path = report.write(story, self._output)
        for what, seconds in story.times():
            print(f"{seconds:7.2f} s  {what}")
        print(f"\nThe report is in {path}, its chart in the same directory.")

    # Access to the cluster.
    def _apply(self) -> None:
        self.rig.kubectl("apply", "-f", str(self._repository))

    def _get(self, kind: str, name: str) -> Object:
        done = self.rig.kubectl("get", kind, name, "-o", "json", check=False)
        found: Object = json.loads(done.stdout or "{}")
        return found

    def _status(self) -> Object:
        status: Object = self._get("modeldeployment", NAME).get("status", {})
        return status

    def _history(self) -> list[Object]:
        history: list[Object] = self._status().get("history", [])
        return history

    def _condition(self, kind: str) -> str:
        return next((str(c["status"]) for c in self._status().get("conditions", []) if c["type"] == kind), "")

    def _verified(self, version: str) -> bool:
        history = self._history()
        return bool(history) and history[-1]["version"] == version and "verifiedAt" in history[-1]

    def _failed(self) -> bool:
        return len(self._history()) > 1 and bool(self._history()[1].get("evidence"))

    def _back(self) -> bool:
        last = self._history()[-1]
        return last["trigger"] == "AutomaticRollback" and "rolledOutAt" in last

    def _accuracy(self) -> float:
        hashes = {entry["version"]: entry["templateHash"] for entry in self._history()}
        query = manifests.ACCURACY.replace("${namespace}", "default").replace("${window}", "5s")
        begin = datetime.fromtimestamp(time.time() - 2, UTC)
        samples = report.live_accuracy(self.rig.prometheus_url, query, {GOOD: hashes[GOOD]}, begin)
        return samples[0].values[-1] if samples[0].values else 0.0

    def _ready_pods(self) -> Sequence[str]:
        selector = f"pennant.dev/modeldeployment={NAME}"
        done = self.rig.kubectl("get", "pods", "-l", selector, "-o", "json", check=False)
        return [
            pod["status"]["podIP"]
            for pod in json.loads(done.stdout or '{"items": []}')["items"]
            if "deletionTimestamp" not in pod["metadata"]
            and {"Ready": "True"}.items()
            <= {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}.items()
        ]

    def _until(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise DidNotHappen(f"{what} did not happen within {seconds:.0f} s")
            time.sleep(0.25)

    def _say(self, step: str, fact: str) -> None:
        print(f"{time.monotonic() - self._begun:6.1f} s  {step:<14} {fact}", flush=True)


def main() -> int:
    """Run the demo; return its exit code."""
    parser = argparse.ArgumentParser(prog="./demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the cluster running afterwards, until Ctrl-C")
    parser.add_argument(
        "--output", type=Path, default=Path("demo-report"), help="directory of the report (demo-report)"
    )
    arguments = parser.parse_args()
    demo = Demo(arguments.output)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    try:
        demo.play()
        if arguments.keep:
            demo.keep()
    except (DidNotHappen, RigError) as error:
        print(f"\nerror: {error}\n{demo.explain()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except Terminated:
        return 143
    finally:
        demo.close()
    return 0


class Terminated(BaseException):
    """SIGTERM has arrived; no handler of errors catches it, so that only the end follows."""


def _end(received: int, _: object) -> None:
    # The end is orderly: a second signal must not cut it short.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt if received == signal.SIGINT else Terminated


if __name__ == "__main__":
    sys.exit(main())
