"""Who did it, and who may do it: the chart's admission policies and roles on the real API server, with real users."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.api import Api
from cluster.governance import ARGO_CD, Governed, a_deployment, a_version, bind, govern, written
from rig import Rig

Says = Callable[[Governed], str]
TAGGED = "tagged-by.pennant.dev/production"
LARGE = "x" * 1000


@pytest.fixture
def namespace(rig: Rig) -> Iterator[str]:
    name = f"governed-{uuid.uuid4().hex[:6]}"
    Api(rig).create_namespace(name)
    yield name
    Api(rig).delete_namespace(name)


@pytest.fixture
def governed(rig: Rig, namespace: str) -> Iterator[Governed]:
    """Return a namespace with two versions, of which 1.0.0 is in production, and a ModelDeployment."""
    made = govern(rig, namespace)
    assert made.apply("rita", a_version("1.0.0", "staging"), a_version("1.1.0")) == ""
    assert made.tag("paul", "fraud-1.0.0", "staging", "production") == ""
    assert made.apply("admin", a_deployment()) == ""
    yield made
    made.end()


def patched(name: str, **spec: Any) -> Callable[[Governed, str], str]:
    return lambda governed, user: governed.merge(user, "modeldeployment", name, {"spec": spec})


ACTS: dict[str, tuple[Callable[[Governed, str], str], set[str]]] = {
    "create a version": (lambda g, user: g.apply(user, a_version("2.0.0", "staging")), {"rita"}),
    "create a version in production": (lambda g, user: g.apply(user, a_version("2.1.0", "production")), set()),
    "move another tag": (lambda g, user: g.tag(user, "fraud-1.1.0", "staging"), {"rita", "paul"}),
    "promote": (lambda g, user: g.tag(user, "fraud-1.1.0", "production"), {"paul"}),
    "take production away": (lambda g, user: g.tag(user, "fraud-1.0.0", "staging"), {"paul"}),
    "pause": (patched("fraud", paused=True), {"olga"}),
    "scale": (lambda g, user: g.says(user, "scale", "modeldeployment/fraud", "--replicas=2"), {"olga"}),
    "serve a fixed version": (patched("fraud", version="1.1.0"), set()),
    "follow another tag": (patched("fraud", tag="staging"), set()),
    "command": (lambda g, user: g.says(user, "annotate", "modeldeployment/fraud", "pennant.dev/restart=1"), {"olga"}),
    "delete a version": (lambda g, user: g.says(user, "delete", "modelversion/fraud-1.1.0"), set()),
    "read records": (lambda g, user: g.says(user, "get", "controllerrevisions"), {"olga", "anna"}),
    "read events": (lambda g, user: g.says(user, "get", "events"), {"olga", "anna"}),
    "read versions": (lambda g, user: g.says(user, "get", "modelversions"), {"rita", "paul", "olga", "anna"}),
    "read secrets": (lambda g, user: g.says(user, "get", "secrets"), set()),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_role_permits_what_it_is_for_and_nothing_else(governed: Governed, act: str) -> None:
    """Try each act as each of the people, those last who may: their act may change the state.

    Rule: R153.
    """
    does, permitted = ACTS[act]
    people = sorted(("rita", "paul", "olga", "anna"), key=lambda user: user in permitted)
    answers = {user: does(governed, user) for user in people}
    assert {user for user, said in answers.items() if not said} == permitted, answers
    assert all("forbidden" in said.lower() for said in answers.values() if said), answers


def test_a_refusal_says_what_is_missing(governed: Governed) -> None:
    said = governed.tag("rita", "fraud-1.1.0", "production")
    needed = f"rita lacks the verb promote on tags.pennant.dev production in the namespace {governed.namespace}"
    role = f"the ClusterRole {governed.namespace}-promoter grants it"
    assert f"{needed}, which moving the tag needs; {role}" in said
    said = governed.merge("olga", "modeldeployment", "fraud", {"spec": {"version": "1.1.0"}})
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
        ("modeldeployment", "fraud", "pennant.dev/paused-by"),
        ("modeldeployment", "fraud", "pennant.dev/commanded-by"),
    ],
)
def test_nobody_can_forge_a_name(governed: Governed, kind: str, name: str, annotation: str) -> None:
    """Not even an administrator, not by a status, and a name that is left out or removed stays.

    Rule: R152.
    """
    before = governed.users(kind, name)
    forged: dict[str, Any] = {"metadata": {"annotations": {annotation: "mallory"}}}
    said = governed.merge("admin", kind, name, forged)
    assert f"only the API server writes the annotation {annotation}" in said
    assert "Forbidden" in said
    governed.says("admin", "patch", kind, name, "--type=merge", "--subresource=status", "--patch", json.dumps(forged))
    governed.merge("admin", kind, name, {"metadata": {"annotations": {annotation: None}}})
    assert governed.users(kind, name) == before


def test_a_name_beside_the_change_itself_is_replaced(governed: Governed) -> None:
    forged = {"annotations": {"tagged-by.pennant.dev/canary": "mallory", "pennant.dev/created-by": "mallory"}}
    copied = a_version("3.0.0", "canary")
    assert governed.apply("rita", {**copied, "metadata": {**copied["metadata"], **forged}}) == ""
    by_rita = {"tagged-by.pennant.dev/canary": "rita", "pennant.dev/created-by": "rita"}
    assert governed.users("modelversion", "fraud-3.0.0") == by_rita
    untagged = a_version("3.1.0")
    assert governed.apply("rita", {**untagged, "metadata": {**untagged["metadata"], **forged}}) == ""
    assert governed.users("modelversion", "fraud-3.1.0") == {"pennant.dev/created-by": "rita"}


def test_both_kinds_of_apply_and_replace_go_on_as_before(governed: Governed, tmp_path: Path) -> None:
    """Applying again changes nothing, meets no conflict, and `kubectl diff` shows nothing."""
    for manifest, name in ((a_version("4.0.0", "canary"), "fraud-4.0.0"), (a_deployment(historyLimit=7), "fraud")):
        kind, file = manifest["kind"].lower(), written(tmp_path, manifest)
        for form in (("--server-side", "--force-conflicts"), ("--server-side",), (), ()):
            assert governed.says("admin", "apply", *form, "-f", file) == ""
        names = governed.users(kind, name)
        assert set(names.values()) == {"admin"}
        assert governed.says("admin", "diff", "-f", file) == ""
        assert governed.says("admin", "diff", "--server-side", "-f", file) == ""
        assert governed.says("admin", "replace", "-f", file) == ""
        assert governed.users(kind, name) == names


def test_the_account_of_argo_cd_promotes_with_the_role_only(rig: Rig, governed: Governed) -> None:
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
        assert "admin created fraud-1.0.0, so somebody else must put production on it" in said
        assert "somebody else must" in governed.apply("admin", a_version("1.1.0", "production"))
        assert governed.tag("admin", "fraud-1.0.0", "staging") == ""
        assert governed.tag("paul", "fraud-1.0.0", "staging", "production") == ""
        assert governed.tag("admin", "fraud-1.0.0", "production") == "", "the tag is on it already"
    finally:
        governed.end()


def test_an_invalid_object_gets_the_message_of_its_schema(governed: Governed) -> None:
    said = governed.merge("rita", "modelversion", "fraud-1.0.0", {"spec": {"tags": 5}})
    assert "spec.tags in body must be of type array" in said
    said = governed.merge("olga", "modeldeployment", "fraud", {"spec": None})
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
