"""Who did it, and who may do it: the chart's admission policies and roles on the real API server, with real users."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.api import Api
from cluster.governance import (
    ARGO_CD,
    ROLES,
    Governed,
    a_deployment,
    a_namespace,
    a_version,
    bind,
    govern,
    in_production,
    written,
)
from rig import Rig

GARBAGE_COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"
TAGGED = "tagged-by.pennant.dev/production"
LARGE = "x" * 1000
SERVER_SIDE = ("--server-side", "--force-conflicts")


@pytest.fixture
def namespace(rig: Rig) -> Iterator[str]:
    with a_namespace(rig) as name:
        yield name


@pytest.fixture
def governed(rig: Rig, namespace: str) -> Iterator[Governed]:
    with in_production(rig, namespace) as made:
        yield made


@pytest.fixture(scope="module")
def shared(rig: Rig) -> Iterator[Governed]:
    """Return the same for tests that change nothing."""
    with a_namespace(rig) as namespace, in_production(rig, namespace) as made:
        yield made


def patched(name: str, **spec: Any) -> Callable[[Governed, str], str]:
    return lambda governed, user: governed.merge(user, "modeldeployment", name, {"spec": spec})


def words(*arguments: str, **spec: Any) -> tuple[str, ...]:
    """Return the words for kubectl; a change of a spec is merged."""
    return (*arguments, "--type=merge", "--patch", json.dumps({"spec": spec})) if spec else arguments


VERSION, DEPLOYMENT = ("patch", "modelversion"), ("patch", "modeldeployment", "fraud")
WRITES: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "move another tag": (words(*VERSION, "fraud-1.1.0", tags=["staging"]), {"rita", "paul", "dora"}),
    "promote": (words(*VERSION, "fraud-1.1.0", tags=["production"]), {"paul"}),
    "take production away": (words(*VERSION, "fraud-1.0.0", tags=["staging"]), {"paul"}),
    "pause": (words(*DEPLOYMENT, paused=True), {"olga", "dora"}),
    "scale": (words("scale", "modeldeployment/fraud", "--replicas=2"), {"olga", "dora"}),
    "serve a fixed version": (words(*DEPLOYMENT, version="1.1.0"), set()),
    "follow another tag": (words(*DEPLOYMENT, tag="staging"), set()),
    "command": (words("annotate", "modeldeployment/fraud", "pennant.dev/restart=1"), {"olga", "dora"}),
    "write a status": (words("patch", "modeldeployment", "fraud", "--subresource=status", paused=True), set()),
    "delete a version": (words("delete", "modelversion/fraud-1.1.0"), {"dora"}),
}
READS: dict[str, set[str]] = {
    "modelversions": {"rita", "paul", "olga", "dora", "anna"},
    "modeldeployments": {"rita", "paul", "olga", "dora", "anna"},
    "controllerrevisions": {"olga", "anna"},
    "events": {"olga", "anna"},
    "secrets": set(),
}


@pytest.mark.parametrize("act", WRITES)
def test_a_role_permits_what_it_is_for_and_nothing_else(shared: Governed, act: str) -> None:
    """Each of the people tries each act; the API server carries none out, and decides as if it did.

    Rule: R153.
    """
    arguments, permitted = WRITES[act]
    answers = {user: shared.says(user, *arguments, "--dry-run=server") for user in ROLES}
    assert {user for user, said in answers.items() if not said} == permitted, answers
    assert all("forbidden" in said.lower() for said in answers.values() if said), answers


@pytest.mark.parametrize("resource", READS)
def test_a_role_reads_what_it_needs_and_nothing_else(shared: Governed, resource: str) -> None:
    answers = {user: shared.says(user, "get", resource) for user in ROLES}
    assert {user for user, said in answers.items() if not said} == READS[resource], answers


@pytest.mark.parametrize(
    ("tags", "permitted"), [(["staging"], {"rita", "dora"}), (["production"], set())], ids=["staging", "production"]
)
def test_a_registrar_creates_versions_without_the_tag(shared: Governed, tags: list[str], permitted: set[str]) -> None:
    manifest = a_version("2.0.0", *tags)
    answers = {user: shared.says(user, "create", "--dry-run=server", "-f", "-", stdin=manifest) for user in ROLES}
    assert {user for user, said in answers.items() if not said} == permitted, answers


def test_a_refusal_says_what_is_missing(shared: Governed) -> None:
    said = shared.tag("rita", "fraud-1.1.0", "production")
    needed = f"rita lacks the verb promote on tags.pennant.dev production in the namespace {shared.namespace}"
    role = f"the ClusterRole {shared.namespace}-promoter grants it"
    assert f"{needed}, which moving the tag needs; {role}" in said
    said = shared.merge("olga", "modeldeployment", "fraud", {"spec": {"version": "1.1.0"}})
    assert "olga lacks the verb promote" in said
    assert "serving a version that the tag does not choose" in said


def test_each_change_gets_the_name_of_its_user_and_leaves_the_other_names(governed: Governed) -> None:
    """What a request changes has its user's name, and all else the name that it had.

    Rule: R152.
    """
    tagged = {"pennant.dev/created-by": "rita", "tagged-by.pennant.dev/staging": "rita", TAGGED: "paul"}
    assert governed.users("modelversion", "fraud-1.0.0") == tagged
    assert governed.tag("rita", "fraud-1.0.0", "production", "canary") == ""
    expected = {"pennant.dev/created-by": "rita", TAGGED: "paul", "tagged-by.pennant.dev/canary": "rita"}
    assert governed.users("modelversion", "fraud-1.0.0") == expected
    assert governed.users("modeldeployment") == {"pennant.dev/changed-by": "admin"}
    assert governed.says("olga", "annotate", "modeldeployment/fraud", "pennant.dev/restart=1") == ""
    assert patched("fraud", paused=True)(governed, "olga") == ""
    assert governed.says("olga", "scale", "modeldeployment/fraud", "--replicas=3") == ""
    by_olga = {"pennant.dev/commanded-by": "olga", "pennant.dev/paused-by": "olga"}
    assert governed.users("modeldeployment") == {"pennant.dev/changed-by": "admin"} | by_olga
    assert patched("fraud", historyLimit=5)(governed, "olga") == ""
    assert governed.users("modeldeployment") == {"pennant.dev/changed-by": "olga"} | by_olga


@pytest.mark.parametrize(
    ("kind", "name", "annotation"),
    [
        ("modelversion", "fraud-1.0.0", TAGGED),
        ("modelversion", "fraud-1.0.0", "pennant.dev/created-by"),
        ("modelversion", "fraud-1.0.0", "tagged-by.pennant.dev/canary"),
        ("modeldeployment", "fraud", "pennant.dev/changed-by"),
        ("modeldeployment", "fraud", "pennant.dev/version-by"),
        ("modeldeployment", "fraud", "pennant.dev/paused-by"),
        ("modeldeployment", "fraud", "pennant.dev/commanded-by"),
    ],
)
def test_nobody_can_forge_a_name(shared: Governed, kind: str, name: str, annotation: str) -> None:
    """Not even an administrator, not by a status, and a name that is left out or removed stays.

    Rule: R152.
    """
    before = shared.users(kind, name)
    forged: dict[str, Any] = {"metadata": {"annotations": {annotation: "mallory"}}}
    said = shared.merge("admin", kind, name, forged)
    assert f"only the API server writes the annotation {annotation}" in said
    assert "Forbidden" in said
    shared.says("admin", "patch", kind, name, "--type=merge", "--subresource=status", "--patch", json.dumps(forged))
    shared.merge("admin", kind, name, {"metadata": {"annotations": {annotation: None}}})
    assert shared.users(kind, name) == before


def test_a_name_beside_the_change_itself_is_replaced(governed: Governed) -> None:
    forged = {"annotations": {"tagged-by.pennant.dev/canary": "mallory", "pennant.dev/created-by": "mallory"}}
    copied = a_version("3.0.0", "canary")
    assert governed.apply("rita", {**copied, "metadata": {**copied["metadata"], **forged}}) == ""
    by_rita = {"tagged-by.pennant.dev/canary": "rita", "pennant.dev/created-by": "rita"}
    assert governed.users("modelversion", "fraud-3.0.0") == by_rita
    untagged = a_version("3.1.0")
    assert governed.apply("rita", {**untagged, "metadata": {**untagged["metadata"], **forged}}) == ""
    assert governed.users("modelversion", "fraud-3.1.0") == {"pennant.dev/created-by": "rita"}


@pytest.mark.parametrize("form", [(), SERVER_SIDE], ids=["client-side", "server-side"])
def test_apply_diff_and_replace_go_on_as_before(governed: Governed, tmp_path: Path, form: tuple[str, ...]) -> None:
    """Applying again changes nothing, meets no conflict, and `kubectl diff` shows nothing."""
    for manifest, name in ((a_version("4.0.0", "canary"), "fraud-4.0.0"), (a_deployment(historyLimit=7), "fraud")):
        kind, file = manifest["kind"].lower(), written(tmp_path, manifest)
        if name == "fraud":
            assert governed.says("admin", "delete", "modeldeployment/fraud") == ""
        for again in (form, form[:1], form[:1]):
            assert governed.says("admin", "apply", *again, "-f", file) == ""
        names = governed.users(kind, name)
        assert set(names.values()) == {"admin"}
        assert governed.says("admin", "diff", *form[:1], "-f", file) == ""
        assert governed.says("admin", "replace", "-f", file) == ""
        assert governed.users(kind, name) == names


def test_the_account_of_argo_cd_promotes_with_the_role_only(governed: Governed) -> None:
    """A sync is refused without the role; with it, it is carried out, again and again, under the account's name.

    Rule: R153.
    """
    registrar, promoter = (f"argocd-{each}" for each in ("registrar", "promoter"))
    account = "--serviceaccount=argocd:argocd-application-controller"
    bind(governed, registrar, "registrar", account)
    sync = [a_version("1.0.0", "staging"), a_version("1.1.0", "production")]
    assert f"{ARGO_CD} lacks the verb promote on tags.pennant.dev production" in governed.apply(ARGO_CD, *sync)
    bind(governed, promoter, "promoter", account)
    for _ in range(2):
        assert governed.apply(ARGO_CD, *sync) == ""
    named = {"pennant.dev/created-by": "rita", TAGGED: ARGO_CD}
    assert governed.users("modelversion", "fraud-1.1.0") == named


def test_with_four_eyes_somebody_else_must_promote(rig: Rig, namespace: str) -> None:
    """Who created a version does not promote it, not even an administrator, and not at its creation.

    Rule: R154.
    """
    governed = govern(rig, namespace, promote={"enabled": True, "fourEyes": True})
    try:
        assert governed.apply("admin", a_version("1.0.0")) == ""
        said = governed.tag("admin", "fraud-1.0.0", "production")
        refusal = "admin created fraud-1.0.0, so somebody else must put production on it"
        assert refusal in said
        patch = ("--type=merge", "--patch", '{"spec":{"tags":["production"]}}')
        assert refusal in governed.says("admin", "patch", "modelversion", "fraud-1.0.0", *patch, "--dry-run=server")
        assert "somebody else must" in governed.apply("admin", a_version("1.1.0", "production"))
        assert governed.tag("admin", "fraud-1.0.0", "staging") == ""
        assert governed.tag("paul", "fraud-1.0.0", "staging", "production") == ""
        assert governed.tag("admin", "fraud-1.0.0", "production") == "", "the tag is on it already"
    finally:
        governed.end()


def test_a_version_with_a_legal_hold_is_deleted_only_with_the_verb_release(governed: Governed) -> None:
    """Neither a user nor the garbage collector deletes it without, and the verb is for the version that it names.

    Rule: R157.
    """
    held = [a_version(each, retention={"legalHold": True}) for each in ("2.0.0", "2.1.0")]
    assert governed.apply("rita", *held, a_version("2.2.0")) == ""
    needed = f"dora lacks the verb release on holds.pennant.dev fraud-2.0.0 in the namespace {governed.namespace}"
    said = governed.says("dora", "delete", "modelversion", "fraud-2.0.0")
    assert f"fraud-2.0.0 has a legal hold (spec.retention.legalHold), and {needed}" in said
    assert governed.says("dora", "delete", "modelversion", "fraud-2.2.0") == ""
    path = f"/apis/pennant.dev/v1alpha1/namespaces/{governed.namespace}/modelversions"
    assert "has a legal hold" in governed.says(GARBAGE_COLLECTOR, "delete", "--raw", f"{path}/fraud-2.0.0")
    rule = {
        "apiGroups": ["pennant.dev"],
        "resources": ["holds"],
        "resourceNames": ["fraud-2.0.0"],
        "verbs": ["release"],
    }
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "release"}}
    assert governed.apply("admin", {**head, "rules": [rule]}) == ""
    bound = ("create", "rolebinding", "release", "--role=release", "--user=dora")
    assert governed.says("admin", *bound) == ""
    assert governed.says("dora", "delete", "modelversion", "fraud-2.0.0") == ""
    assert "has a legal hold" in governed.says("dora", "delete", "modelversion", "fraud-2.1.0")


def test_a_namespace_takes_versions_with_a_legal_hold_with_it(rig: Rig) -> None:
    """Rule: R157."""
    api, namespace = Api(rig), f"held-{uuid.uuid4().hex[:6]}"
    api.create_namespace(namespace)
    governed = govern(rig, namespace)
    try:
        assert governed.apply("rita", a_version("2.0.0", retention={"legalHold": True})) == ""
        api.delete_namespace(namespace)
        rig.kubectl("wait", "--for=delete", f"namespace/{namespace}", "--timeout=90s")
    finally:
        governed.end()


def test_an_invalid_object_gets_the_message_of_its_schema(shared: Governed) -> None:
    said = shared.merge("rita", "modelversion", "fraud-1.0.0", {"spec": {"tags": 5}})
    assert "spec.tags in body must be of type array" in said
    said = shared.merge("olga", "modeldeployment", "fraud", {"spec": None})
    assert "spec: Required value" in said


def test_the_largest_objects_pass(governed: Governed) -> None:
    """The policies stay within the budget of the API server for expressions."""
    tags = [f"tag-{number}" for number in range(16)]
    assert governed.apply("rita", a_version("5.0.0", *tags)) == ""
    assert governed.apply("paul", a_version("5.0.0", *tags[:8], "production", "b", "c")) == ""
    environment = [{"name": f"V{number}", "value": LARGE} for number in range(240)]
    container = {"name": "server", "image": "registry.example/server:1", "env": environment}
    for image in ("a", "b"):
        template = {"spec": {"containers": [{**container, "image": image}]}}
        assert governed.apply("admin", a_deployment(template=template)) == ""
