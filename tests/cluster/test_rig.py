"""The control plane of the tests is a real one, is isolated from others, and leaves no process behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rig import KubectlError, Rig, StartError
from rig.parts import identity, owner
from rig.place import read_state
from rig.processes import Identity
from rig.programs import KUBERNETES_VERSION

API_ONLY = ("etcd", "kube-apiserver")
PALETTE = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "palettes.test.pennant.dev"},
    "spec": {
        "group": "test.pennant.dev",
        "scope": "Namespaced",
        "names": {"plural": "palettes", "singular": "palette", "kind": "Palette"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "colours": {
                                "type": "integer",
                                "x-kubernetes-validations": [
                                    {"rule": "self > 0", "message": "a palette has at least one colour"}
                                ],
                            }
                        },
                    }
                },
            }
        ],
    },
}


def a_palette(colours: int) -> str:
    palette = {"apiVersion": "test.pennant.dev/v1", "kind": "Palette", "metadata": {"name": "p"}, "colours": colours}
    return json.dumps(palette)


def command(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rig", words[0], "--directory", str(directory), *words[1:]],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def parts_of(directory: Path) -> dict[str, Identity]:
    state = read_state(directory)
    assert state is not None
    found = {name: identity(each["identity"]) for name, each in state["processes"].items()}
    return {name: each for name, each in found.items() if each is not None}


def test_the_api_server_reports_the_pinned_version(rig: Rig) -> None:
    version: dict[str, Any] = json.loads(rig.kubectl("get", "--raw", "/version").stdout)
    assert version["gitVersion"] == KUBERNETES_VERSION


def test_cel_refuses_an_object(rig: Rig) -> None:
    rig.kubectl("apply", "-f", "-", stdin=json.dumps(PALETTE))
    try:
        rig.kubectl("wait", "--for=condition=Established", "crd/palettes.test.pennant.dev", "--timeout=30s")
        with pytest.raises(KubectlError, match="a palette has at least one colour"):
            rig.kubectl("create", "-f", "-", stdin=a_palette(0))
        rig.kubectl("create", "-f", "-", stdin=a_palette(1))
    finally:
        rig.kubectl("delete", "crd", "palettes.test.pennant.dev")


def test_a_service_account_may_do_what_rbac_grants_and_nothing_else(rig: Rig) -> None:
    kubeconfig = str(rig.kubeconfig_for("default", "default"))
    user = json.loads(rig.kubectl("auth", "whoami", "--kubeconfig", kubeconfig, "-o", "json").stdout)
    assert user["status"]["userInfo"]["username"] == "system:serviceaccount:default:default"
    with pytest.raises(KubectlError, match="Forbidden"):
        rig.kubectl("get", "secrets", "--kubeconfig", kubeconfig)


def test_every_request_is_in_the_audit_log(rig: Rig) -> None:
    rig.kubectl("create", "configmap", "audited", "--from-literal=a=b")
    rig.kubectl("delete", "configmap", "audited")
    entries = [json.loads(line) for line in rig.audit_log.read_text().splitlines() if "audited" in line]
    seen = [(each["verb"], each["stage"]) for each in entries if each["userAgent"].startswith("kubectl/")]
    assert [each for each in seen if each[0] in ("create", "delete")] == [
        ("create", "ResponseComplete"),
        ("delete", "ResponseComplete"),
    ]


def test_another_rig_shares_nothing_and_its_parts_come_back_with_their_data(rig: Rig, tmp_path: Path) -> None:
    with Rig.start(tmp_path / "other", API_ONLY) as other:
        assert other.api_server != rig.api_server
        other.kubectl("create", "namespace", "only-in-the-other")
        with pytest.raises(KubectlError, match="not found"):
            rig.kubectl("get", "namespace", "only-in-the-other")
        for part in API_ONLY:
            other.stop_part(part)
            other.start_part(part)
        kept = other.kubectl("get", "namespace", "only-in-the-other", "-o", "name").stdout
        assert kept == "namespace/only-in-the-other\n"


def test_a_failed_start_shows_the_end_of_the_right_log_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rig.config.AUDIT_POLICY", {"kind": "Nonsense"})
    with pytest.raises(StartError, match=r"(?s)kube-apiserver ended with code 1 .*audit-policy-file.*Nonsense"):
        Rig.start(tmp_path / "rig", API_ONLY)
    assert parts_of(tmp_path / "rig") == {}
    assert owner(tmp_path / "rig") is not None, "the owner is this process, which goes on"


def test_up_status_and_down(tmp_path: Path) -> None:
    directory = tmp_path / "rig"
    up = command(directory, "up", "--parts", ",".join(API_ONLY))
    assert up.returncode == 0, up.stderr
    assert f"export KUBECONFIG={directory}/kubeconfig" in up.stdout
    with Rig.attach(directory) as attached:
        attached.stop_part("etcd")
        status = json.loads(command(directory, "status", "-o", "json").stdout)
        assert {name: part["state"] for name, part in status["parts"].items()} == {
            "etcd": "stopped",
            "kube-apiserver": "ready",
        }
        attached.start_part("etcd")
        attached.kubectl("get", "namespaces")
    running = parts_of(directory)
    assert running.keys() == set(API_ONLY)

    down = command(directory, "down")
    assert (down.returncode, down.stdout) == (0, "stopped\n")
    assert not any(part.runs for part in running.values())
    assert command(directory, "status").returncode == 1


def test_a_supervisor_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    directory = tmp_path / "rig"
    assert command(directory, "up", "--parts", ",".join(API_ONLY)).returncode == 0
    held, running = owner(directory), parts_of(directory)
    assert held is not None
    os.kill(held[0].pid, signal.SIGKILL)
    assert held[0].ended_within(10)
    assert all(part.ended_within(5) for part in running.values())
    assert command(directory, "down").stdout.startswith("no control plane runs")


def test_up_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "somebody's file").touch()
    up = command(tmp_path, "up")
    assert up.returncode == 1
    assert "is not empty, and no rig has made it" in up.stderr
