"""The chart as the real Helm renders it."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rig.helm import helm

CHART = Path(__file__).parents[2] / "charts" / "pennant"
CI_VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
HELMS = (3, 4)
HELM_SECONDS = 60
# The oldest that the chart takes; the Helm 3 at hand would otherwise assume an older one.
KUBERNETES = "1.33.0"
# What `helm template` cannot ask a cluster for.
STAMPING_API = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
APIS = ("--api-versions", "monitoring.coreos.com/v1", "--api-versions", STAMPING_API)
NAMESPACE = "pennant-system"
Manifest = dict[str, Any]


class HelmError(Exception):
    """Helm said no; this is what it said."""


def run_helm(major: int, *arguments: str, values: Any = None, kubeconfig: Path | None = None) -> str:
    """Run Helm with these values, and return what it printed."""
    given = ("--values", "-") if values is not None else ()
    own = {"HELM_NO_PLUGINS": "1"} | ({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})
    done = subprocess.run(
        [str(helm(major)), *arguments, *given],
        input=None if values is None else json.dumps(values),
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=HELM_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise HelmError(f"$ helm {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout


def rendered_text(values: Any = None, *, major: int = 4, release: str = "pennant", namespace: str = NAMESPACE) -> str:
    chart = ("template", release, str(CHART), "--namespace", namespace, "--kube-version", KUBERNETES)
    return run_helm(major, *chart, *APIS, values=values or {})


def rendered(
    values: Any = None, *, major: int = 4, release: str = "pennant", namespace: str = NAMESPACE
) -> list[Manifest]:
    """Return the manifests that Helm renders; the same arguments start Helm once in a process."""
    return deepcopy(_manifests(json.dumps(values or {}), major, release, namespace))


@cache
def _manifests(values: str, major: int, release: str, namespace: str) -> list[Manifest]:
    text = rendered_text(json.loads(values), major=major, release=release, namespace=namespace)
    return [each for each in yaml.load_all(text, yaml.CSafeLoader) if each is not None]


def only(manifests: Iterable[Manifest], kind: str, suffix: str = "") -> Manifest:
    """Return the one object of this kind, whose name ends so; of those of sync only if the end is `-sync`."""
    of_sync = suffix == "-sync"
    (found,) = (
        each
        for each in manifests
        if each["kind"] == kind and each["metadata"]["name"].endswith(suffix) and is_of_sync(each) is of_sync
    )
    return found


def is_of_sync(manifest: Manifest) -> bool:
    """Return whether an object belongs to `pennant sync`, and not to the operator."""
    return bool(manifest["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "sync")


def identity(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def pod_template(manifests: Iterable[Manifest], suffix: str = "") -> Manifest:
    template: Manifest = only(manifests, "Deployment", suffix)["spec"]["template"]
    return template


def environment(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return the operator's environment variables."""
    (container,) = pod_template(manifests)["spec"]["containers"]
    return {each["name"]: each["value"] for each in container["env"]}


def grants(role: Mapping[str, Any]) -> dict[tuple[str, str], frozenset[str]]:
    """Return the verbs that a role grants by API group and resource; a verb on named objects is `verb/name`."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for rule in role["rules"]:
        names = rule.get("resourceNames", [])
        verbs = {f"{verb}/{name}" for verb in rule["verbs"] for name in names} if names else set(rule["verbs"])
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found[group, resource] = found.get((group, resource), frozenset()) | verbs
    return found
