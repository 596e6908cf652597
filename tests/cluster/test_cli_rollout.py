"""The verbs of `kubectl rollout` as `kubectl pennant`, by the real kubectl, on a real control plane."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from cluster.plugin import command, environment, kubectl_pennant
from cluster.scenario import Scenario
from cluster.side_by_side import SideBySide, documented

LIFE = {
    "a version serves": ("status deployment/web", "status fraud"),
    "nothing to go back to": ("undo deployment/web", "undo fraud"),
    "a rollout is under way, no watch": ("status deployment/web --watch=false", "status fraud --watch=false"),
    "a rollout is under way, the time is over": (
        "status deployment/web --timeout=1s",
        "status fraud --timeout=1s",
    ),
    "another revision is asked for": ("status deployment/web --revision=7", "status fraud --revision=7"),
    "the new version serves": ("status deployment/web", "status fraud"),
    "history": ("history deployment/web", "history fraud"),
    "history of a revision": ("history deployment/web --revision=2", "history fraud --revision=2"),
    "history of a revision that does not exist": (
        "history deployment/web --revision=9",
        "history fraud --revision=9",
    ),
    "undo, dry run": ("undo deployment/web --dry-run=server", "undo fraud --dry-run=server"),
    "undo to the revision that serves": (
        "undo deployment/web --to-revision=2",
        "undo fraud --to-revision=2",
    ),
    "undo to a revision that does not exist": (
        "undo deployment/web --to-revision=9",
        "undo fraud --to-revision=9",
    ),
    "undo": ("undo deployment/web", "undo fraud"),
    "after an undo": ("status deployment/web", "status fraud"),
    "restart": ("restart deployment/web", "restart fraud"),
}
PAUSED = {
    "pause": ("pause deployment/web", "pause fraud"),
    "pause again": ("pause deployment/web", "pause fraud"),
    "undo while paused": ("undo deployment/web", "undo fraud"),
    "restart while paused": ("restart deployment/web", "restart fraud"),
    "resume": ("resume deployment/web", "resume fraud"),
    "resume again": ("resume deployment/web", "resume fraud"),
}
ERRORS = {
    "a wrong name": ("status deployment/wob", "status froud"),
    "no name": ("undo", "undo"),
    "a rollout that failed": ("status deployment/web", "status fraud"),
}

DELETED = {"the object is deleted while it is watched": ("status deployment/web", "status fraud")}


def run(scenario: Scenario, *args: str) -> str:
    """Run a verb that must succeed; what it writes to the objects counts as an act of a user."""
    code, out, err = kubectl_pennant(scenario, *args)
    scenario.touched_at = datetime.now(UTC)
    assert code == 0, f"{out}\n{err}\n{scenario.report()}"
    return out


def fails(scenario: Scenario, *args: str, kubeconfig: Path | None = None) -> str:
    """Run a verb that must fail as kubectl does, with exit code 1 and one error; return that."""
    code, out, err = kubectl_pennant(scenario, *args, kubeconfig=kubeconfig)
    scenario.touched_at = datetime.now(UTC)
    assert code == 1, f"{out}\n{err}"
    assert err.startswith("error: "), err
    assert "Traceback" not in err
    return err


@contextmanager
def in_background(scenario: Scenario, words: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a command while the test goes on."""
    with subprocess.Popen(
        words,
        env=environment(scenario),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def spec_and_annotations(scenario: Scenario) -> Any:
    found = scenario.get("modeldeployment")
    return found["spec"], found["metadata"].get("annotations")


def roll_out_side_by_side(serving: Scenario, sides: SideBySide) -> None:
    """Roll out 1.1.0 and `web-2`, held in the middle by pods that are not ready, while `status` waits."""
    for each in ("1.1.0", "web-2"):
        serving.unready(each)
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    sides.deploy("web-2", deadline_seconds=600)
    with in_background(serving, command(serving, "status", "fraud", "--timeout=200s")) as waiting:
        serving.until(lambda: len(serving.pods("1.1.0")) == 1)
        time.sleep(1)
        sides.see("a rollout is under way, no watch")
        sides.see("a rollout is under way, the time is over")
        sides.see("another revision is asked for")
        for each in ("1.1.0", "web-2"):
            serving.unready(each, False)
        out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, err
    lines = out.splitlines()
    assert 'Waiting for modeldeployment "fraud" rollout to finish: 1 old pods are pending termination...' in lines
    assert lines[-1].startswith('modeldeployment "fraud" successfully rolled out: 1.1.0 serves')
    assert all(line.startswith('Waiting for modeldeployment "fraud"') for line in lines[:-1])
    sides.native("status", "deployment/web")
    serving.until_verified("1.1.0")
    sides.see("the new version serves")


def check_history(scenario: Scenario) -> None:
    table = [line.split() for line in run(scenario, "history", "fraud").splitlines()]
    assert table[0] == ["modeldeployment.pennant.dev/fraud"]
    assert table[1] == ["REVISION", "VERSION", "TRIGGER", "OUTCOME", "SINCE", "UNTIL", "VERIFIED", "WHY"]
    assert [row[:4] for row in table[2:]] == [
        ["1", "1.0.0", "TagMoved", "Superseded"],
        ["2", "1.1.0", "TagMoved", "Verified"],
    ]
    wide = run(scenario, "history", "modeldeployment", "fraud", "-o", "wide")
    assert [word for word in ("STARTED", "VERIFIED-AT", "DIGEST", "ACTOR", "EVIDENCE") if word not in wide] == []
    assert all(entry["digest"] in wide for entry in scenario.history)
    one = run(scenario, "history", "mdep/fraud", "--revision=2")
    assert one.startswith("modeldeployment.pennant.dev/fraud with revision #2\n")
    assert "Pod Template:\n" in one
    assert "MODEL_VERSION" in one
    listed = json.loads(run(scenario, "history", "fraud", "-o", "json"))
    assert listed["kind"] == "ModelDeploymentHistory"
    assert [each["version"] for each in listed["items"]] == ["1.0.0", "1.1.0"]
    second = json.loads(run(scenario, "history", "fraud", "--revision=2", "-o", "json"))
    assert (second["version"], second["template"]["spec"]["containers"][0]["name"]) == ("1.1.0", "server")
    assert yaml.safe_load(run(scenario, "history", "fraud", "-o", "yaml"))["items"] == listed["items"]
    names = run(scenario, "history", "fraud", "-o", "name").split()
    assert names == ["controllerrevision.apps/fraud-1", "controllerrevision.apps/fraud-2"]


def check_dry_runs(scenario: Scenario) -> None:
    before = spec_and_annotations(scenario)
    for verb, done in (("undo", "rolled back"), ("restart", "restarted"), ("retry", "retried"), ("pause", "paused")):
        for kind in ("client", "server"):
            said = run(scenario, verb, "fraud", f"--dry-run={kind}")
            to = ": to 1.0.0 (revision 1)" if verb == "undo" else ""
            assert said == f"modeldeployment.pennant.dev/fraud {done} ({kind} dry run){to}\n"
    assert "(client dry run)" in run(scenario, "undo", "--dry-run", "fraud")
    assert spec_and_annotations(scenario) == before


def check_names(scenario: Scenario, file: Path) -> None:
    scenario.merge("modeldeployment", "fraud", {"metadata": {"labels": {"team": "risk"}}})
    file.write_text(yaml.safe_dump(scenario.a_deployment()))
    line = 'modeldeployment "fraud" successfully rolled out: 1.1.0 serves\n'
    for words in (["mdep/fraud"], ["modeldeployment", "fraud"], ["-l", "team=risk"], ["-f", str(file)]):
        assert run(scenario, "status", *words) == line, words
    assert "no ModelDeployment" in fails(scenario, "status", "-l", "team=none")
    assert "does not exist" in fails(scenario, "status", "-f", f"{file}.none")


def undo_and_retry(serving: Scenario, sides: SideBySide) -> None:
    """Undo 1.1.0 on both sides, see that it stays undone, and retry it."""
    sides.see("undo")
    serving.touched_at = datetime.now(UTC)
    serving.until_verified("1.0.0")
    sides.native("status", "deployment/web")
    sides.see("after an undo")
    assert serving.versions_in_history()[-1] == ("1.0.0", "Undo", "Verified")
    assert serving.history[-1]["actor"] == "admin"
    assert serving.condition("RolledBack") == ("True", "Undone")
    said = fails(serving, "status", "fraud")
    why = serving.message("RolledBack")
    assert said == f'error: modeldeployment "fraud" does not serve its target version: {why}\n'
    assert run(serving, "history", "fraud").splitlines()[3].split()[:4] == ["2", "1.1.0", "TagMoved", "Undone"]
    said = fails(serving, "promote", "fraud-1.1.0", "--no-wait")
    assert "fraud-1.1.0 has the tag production already, but is quarantined in" in said
    assert f"kubectl pennant retry fraud 1.1.0 -n {serving.namespace}" in said
    assert "no earlier revision is left to go back to" in fails(serving, "undo", "fraud")

    out = run(serving, "retry", "fraud", "--reason", "the cause was another service")
    assert out.startswith("modeldeployment.pennant.dev/fraud retried: ")
    assert "1.1.0 serves" in run(serving, "status", "fraud", "--timeout=60s").splitlines()[-1]
    out = run(serving, "status", "fraud", "--for=verified", "--timeout=60s")
    assert out.splitlines()[-1] == 'modeldeployment "fraud" successfully rolled out: 1.1.0 serves'
    assert serving.condition("Verified") == ("True", "Verified")
    assert "the cause was another service" in serving.history[-1]["reason"]


def test_one_life(serving: Scenario, tmp_path: Path) -> None:
    # While the pods are held back, several commands run, one after the other.
    serving.deployment(rollout={"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": 600})
    sides = SideBySide(serving, LIFE)
    sides.deploy("web-1", deadline_seconds=600)
    sides.native("status", "deployment/web")
    sides.see("a version serves")
    sides.see("nothing to go back to")
    roll_out_side_by_side(serving, sides)

    check_history(serving)
    sides.see("history", line=1)
    sides.see("history of a revision")
    sides.see("history of a revision that does not exist")
    check_dry_runs(serving)
    check_names(serving, tmp_path / "fraud.yaml")
    sides.see("undo, dry run")
    sides.see("undo to the revision that serves")
    sides.see("undo to a revision that does not exist")

    undo_and_retry(serving, sides)

    pods = serving.pods()
    sides.see("restart")
    serving.until(lambda: serving.versions_in_history()[-1] == ("1.1.0", "Restart", "Verified"))
    serving.until(lambda: not set(pods) & set(serving.pods()))
    said = run(serving, "undo", "fraud", "--dry-run=server")
    assert said.endswith(": to 1.1.0 (revision 4); the same version, with the pod template of revision 4\n")

    refused = fails(serving, "undo", "fraud", "--to-version", "9.9.9")
    assert "no revision of version 9.9.9 exists. Versions in the history: 1.0.0, 1.1.0" in refused
    assert "not both" in fails(serving, "undo", "fraud", "--to-version", "1.0.0", "--to-revision", "1")
    out = run(serving, "undo", "fraud", "--to-version", "1.0.0", "--reason", "angry customers")
    assert out.startswith("modeldeployment.pennant.dev/fraud rolled back: rolled back to 1.0.0 (revision ")
    serving.until_verified("1.0.0")
    assert "angry customers" in serving.history[-1]["reason"]
    assert "skipped rollback (current template already matches" in run(serving, "undo", "fraud", "--to-revision=1")
    sides.assert_documented()


def test_pause(serving: Scenario) -> None:
    sides = SideBySide(serving, PAUSED)
    for each in ("web-1", "web-2"):
        sides.deploy(each)
        sides.native("status", "deployment/web")
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_verified("1.1.0")
    for state in PAUSED:
        sides.see(state)
        assert serving.get("modeldeployment")["spec"]["paused"] is (not state.startswith("resume"))
    serving.touched_at = datetime.now(UTC)
    assert serving.get("modeldeployment")["spec"]["paused"] is False

    tracked = (
        ("annotations", "argocd.argoproj.io/tracking-id", "shop:pennant.dev/ModelDeployment:x/fraud", "Argo CD"),
        ("labels", "kustomize.toolkit.fluxcd.io/name", "shop", "Flux"),
        ("annotations", "meta.helm.sh/release-name", "shop", "Helm"),
    )
    for verb, (where, name, value, tool) in zip(("pause", "resume", "pause"), tracked, strict=True):
        serving.merge("modeldeployment", "fraud", {"metadata": {where: {name: value}}})
        code, out, err = kubectl_pennant(serving, verb, "fraud")
        assert (code, out) == (0, f"modeldeployment.pennant.dev/fraud {verb}d\n")
        assert err.startswith("Warning: fraud is managed by " + tool)
        serving.merge("modeldeployment", "fraud", {"metadata": {where: {name: None}}})
    assert run(serving, "get").splitlines()[1].split()[6:8] == ["Serving", "(paused)"]
    run(serving, "resume", "fraud")
    code, out, err = kubectl_pennant(serving, "pause", "froud", "fraud")
    assert (code, out) == (1, "modeldeployment.pennant.dev/fraud paused\n")
    assert err.startswith('error: modeldeployments.pennant.dev "froud" not found')
    assert run(serving, "resume", "fraud", "-o", "name") == "modeldeployment.pennant.dev/fraud\n"
    sides.assert_documented()


def test_a_breach(rolled_back: Scenario, tmp_path: Path) -> None:
    said = fails(rolled_back, "status", "fraud")
    why = rolled_back.message("RolledBack").removeprefix("Rolled back ")
    assert said == f'error: modeldeployment "fraud" was rolled back {why}\n'
    at = rolled_back.history[1]["availableAt"]
    verbs = (("get", "fraud"), ("why", "fraud"), ("audit", "fraud"), ("history", "fraud"), ("compare", "fraud"))
    for verb in (*verbs, ("versions", "fraud")):
        out = run(rolled_back, *verb)
        assert "1.1.0" in out, verb
        assert "1.0.0" in out, verb
    moment = run(rolled_back, "audit", "fraud", "--at", at)
    assert "1.1.0" in moment
    assert "1.0.0" in moment
    code, out, err = kubectl_pennant(rolled_back, "audit", "fraud", "--verify")
    assert (code, err) == (0, ""), out
    assert "✖ the rollout of 1.1.0: " in run(rolled_back, "why", "fraud")
    for kind, applied in rolled_back.applied.items():
        (tmp_path / f"{kind.replace('/', '-')}.yaml").write_text(yaml.safe_dump(applied))
    code, out, err = kubectl_pennant_lint(rolled_back, tmp_path)
    assert (code, err) == (0, ""), out
    assert out.endswith(": no problems\n")


def kubectl_pennant_lint(scenario: Scenario, directory: Path) -> tuple[int, str, str]:
    """Run `kubectl pennant lint`, which has no namespace."""
    words = [str(scenario.rig.binary("kubectl")), "pennant", "lint", "-f", str(directory)]
    done = subprocess.run(words, env=environment(scenario), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_errors(serving: Scenario) -> None:
    sides = SideBySide(serving, ERRORS)
    sides.see("a wrong name")
    sides.see("no name")
    check_permissions(serving)

    serving.operator.stop()
    try:
        said = fails(serving, "restart", "fraud", "--timeout=2s")
    finally:
        serving.operator.start()
    assert "the operator did not answer `restart` within 2 s. Is it running, and does it watch" in said
    serving.until(lambda: serving.versions_in_history()[-1][1] == "Restart", what="the command that stayed")
    serving.until_verified("1.0.0")

    for each in ("web-1", "web-2"):
        sides.deploy(each, deadline_seconds=5)
        serving.unready("web-2")
    serving.deployment(rollout={"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": 3})
    serving.unready("1.1.0")
    serving.version("1.1.0")
    serving.move_tag("1.0.0", "1.1.0")
    serving.until_rolled_back_to("1.0.0")
    sides.see("a rollout that failed")
    sides.assert_documented()


def test_an_object_is_deleted_while_it_is_watched(scenario: Scenario) -> None:
    sides = SideBySide(scenario, DELETED)
    for each in ("1.0.0", "web-1"):
        scenario.unready(each)
    scenario.version("1.0.0", "production")
    scenario.deployment()
    sides.deploy("web-1")
    scenario.until(scenario.pods)
    theirs, ours = sides.native_command("status", "deployment/web"), command(scenario, "status", "fraud")
    with in_background(scenario, theirs) as native, in_background(scenario, ours) as pennant:
        for running in (native, pennant):
            assert running.stdout is not None
            assert running.stdout.readline().startswith("Waiting for ")
        scenario.kubectl("delete", "deployment/web", "modeldeployment/fraud")
        ends = [running.communicate(timeout=30)[1] for running in (native, pennant)]
    sides.keep(next(iter(DELETED)), (native.returncode, ends[0]), (pennant.returncode, ends[1]))
    sides.assert_documented()


def check_permissions(scenario: Scenario) -> None:
    scenario.kubectl("create", "serviceaccount", "ada")
    ada = scenario.rig.kubeconfig_for(scenario.namespace, "ada")
    assert 'cannot get resource "modeldeployments"' in fails(scenario, "history", "fraud", kubeconfig=ada)
    scenario.kubectl("create", "role", "reads", "--verb=get,list", "--resource=modeldeployments.pennant.dev")
    scenario.kubectl("create", "rolebinding", "reads", "--role=reads", f"--serviceaccount={scenario.namespace}:ada")
    assert 'cannot list resource "' in fails(scenario, "history", "fraud", kubeconfig=ada)
    said = fails(scenario, "pause", "fraud", kubeconfig=ada)
    assert 'cannot patch resource "modeldeployments"' in said
    assert f'User "system:serviceaccount:{scenario.namespace}:ada"' in said
    assert "Ask an administrator for this permission" in said


def test_the_plugin_that_starts_afresh_says_the_same(serving: Scenario) -> None:
    """Other tests have it forked from a process that has imported it; see `plugin.py`."""
    for words in (("history", "fraud", "-o", "name"), ("status", "fraud"), ("status", "froud"), ("undo",)):
        assert kubectl_pennant(serving, *words, fresh=True) == kubectl_pennant(serving, *words)


def test_completion(serving: Scenario) -> None:
    def completed(*words: str, fresh: bool = False) -> list[str]:
        kubectl = [str(serving.rig.binary("kubectl")), "__complete", "pennant", *words]
        known = environment(serving, fresh=fresh)
        done = subprocess.run(kubectl, env=known, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    verbs = completed("")
    assert "undo\tUndo to an earlier revision" in verbs
    assert verbs[-1] == ":4"
    of_here = ("--namespace", serving.namespace)
    for fresh in (False, True):
        assert completed("history", *of_here, "", fresh=fresh) == ["fraud\tserves 1.0.0", ":4"]
    assert completed("status", *of_here, "mdep/f") == ["mdep/fraud\tserves 1.0.0", ":4"]
    options = [line.partition("\t")[0] for line in completed("undo", "--to-")]
    assert options == ["--to-revision", "--to-version", ":4"]
    assert completed("undo", "fraud", *of_here, "--to-version", "") == ["1.0.0\tVerified", ":4"]
    assert completed("undo", "fraud", *of_here, "--to-revision", "") == ["1\t1.0.0, Verified", ":4"]
    assert completed("retry", "fraud", *of_here, "") == [":4"]
    serving.version("1.1.0")
    assert completed("compare", *of_here, "fraud-1.0.0", "") == ["fraud-1.1.0", ":4"]
    assert completed("promote", "fraud-1.1.0", *of_here, "--tag", "") == ["production", ":4"]
    assert completed("versions", "-o", "") == ["wide", "json", "yaml", "name", ":4"]
    assert serving.namespace in completed("get", "-n", serving.namespace[:4])
    assert len(completed("get", "--context", "")) > 1


def test_the_documented_states_are_those_that_are_seen() -> None:
    states = [row.split("|")[1].strip() for row in documented()]
    assert states == [*LIFE, *PAUSED, *ERRORS, *DELETED]
