"""The same storm with Argo Rollouts' controller: Rollouts whose pod templates change at once.

A Rollout has no Deployment. What is seen is the ReplicaSet of the new template, which the controller makes itself; what
is compared are the same bare writes. Its program is that of the Go module `github.com/argoproj/argo-rollouts`, which
also has its CRDs: `--peer` names the program, and beside it the directory `crds` has the files of `manifests/crds`.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench.api import Api, created, patched, send
from bench.figures import Figure, Goal
from bench.objects import POD, VERSION_LABEL, Object, an_object, shown
from bench.process import Process
from bench.promotions import until
from bench.run import Run
from rig import Rig

ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts"
REPLICA_SETS = "/apis/apps/v1/namespaces/default/replicasets"
PATIENCE_SECONDS = 900.0


def crds(program: Path) -> list[Path]:
    """Return the files of its CRDs; raises `ValueError` where the program or they are missing."""
    if not program.is_file():
        raise ValueError(f"--peer: there is no program {program}")
    found = sorted((program.parent / "crds").glob("*-crd.yaml"))
    if not found:
        raise ValueError(
            f"--peer: there are no CRDs beside {program.name}: copy manifests/crds of its module to the directory "
            f"{program.parent / 'crds'}"
        )
    return found


def a_rollout(name: str) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": {**labels, VERSION_LABEL: "1.0.0"}}, "spec": POD}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "strategy": {"canary": {}}, "template": template}
    return an_object("argoproj.io/v1alpha1", "Rollout", name, spec)


class ReplicaSets:
    """Sees when the ReplicaSets of a version are made."""

    def __init__(self, rig: Rig) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], float] = {}
        Api(rig).watch(REPLICA_SETS, self._heard)

    def _heard(self, found: Object) -> None:
        labels = found["metadata"].get("labels", {})
        with self._lock:
            self._seen.setdefault((labels.get("app", ""), labels.get(VERSION_LABEL, "")), time.perf_counter())

    def times(self, version: str) -> list[float]:
        with self._lock:
            return sorted(at for (name, shows), at in self._seen.items() if shows == version and name)


def peer_figures(run: Run, rig: Rig, floor: float, ours: float) -> Iterator[Figure]:
    """Change as many Rollouts as tags were moved.

    `floor` is the seconds of as many bare writes, `ours` those until the operator served the last tag.
    """
    if run.peer is None:
        return
    files = (word for each in crds(run.peer) for word in ("-f", str(each)))
    rig.kubectl("apply", "--server-side", *files)
    rig.until_crds_are_served()
    count, seen = run.sizes["deployments"], ReplicaSets(rig)
    with _controller(run.peer, rig) as process:
        run.say(f"{count} Rollouts are created for the peer")
        send(rig, [[created(ROLLOUTS, a_rollout(f"peer-{number}"))] for number in range(count)])
        until(lambda: len(seen.times("1.0.0")) == count, "the peer makes the first ReplicaSets", PATIENCE_SECONDS)
        time.sleep(10)
        run.say("all Rollouts change")
        begun, used = time.perf_counter(), process.cpu_seconds
        send(rig, [[patched(f"{ROLLOUTS}/peer-{number}", shown("2.0.0"))] for number in range(count)])
        until(lambda: len(seen.times("2.0.0")) == count, "the peer makes the new ReplicaSets", PATIENCE_SECONDS)
        last = seen.times("2.0.0")[-1] - begun
        share = (process.cpu_seconds - used) / last * 100
        yield Figure("until the last one is served, beside the last ReplicaSet of the peer", ours, "s", last, Goal(1))
        yield Figure("peer: until the last ReplicaSet, beside bare writes", last, "s", floor)
        yield Figure("peer: processor until then", share, "% of one")
        yield Figure("peer: peak memory", process.memory("VmHWM"), "MiB")


class _Controller(Process):
    def __enter__(self) -> "_Controller":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _controller(program: Path, rig: Rig) -> _Controller:
    command = [str(program), "--kubeconfig", str(rig.kubeconfig), "--leader-elect=false"]
    return _Controller(rig, "peer", [*command, "--qps=2000", "--burst=4000"], {})
