"""What is written to take over a Deployment, against a small API server of its own.

Rule: R126.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pennant.api.adoption import AdoptedReplicaSet, Adoption, AdoptionPhase
from pennant.api.meta import Json
from pennant.core.facts.decision import PrepareAdoption
from pennant.kube.adoption import Adopter
from pennant.kube.codec import decode
from pennant.kube.http.client import Client
from pennant.ports import Conflict, Refused
from unit.core.builders import NOON, a_revision, a_snapshot
from unit.kube.api_server import a_connection, serving

APP = {"app": "fraud"}
SPEC = a_revision().template["spec"]
LABELS = a_revision().template["metadata"]["labels"]
MANIFEST: Json = {"spec": {"template": {"metadata": {"labels": APP | LABELS}, "spec": SPEC}}}
OWNER = a_snapshot("fraud")
PODS = 40


class Server:
    """ReplicaSets, pods and ControllerRevisions, and the patches, deletions and creations that were sent."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Json]] = {"replicasets": [], "pods": [], "controllerrevisions": []}
        self.deployment: Json = {}
        self.sent: list[tuple[str, str, Any]] = []
        self.refused: set[str] = set()

    async def reply(self, request: web.Request) -> web.StreamResponse:
        plural, _, name = request.path.partition("/namespaces/default/")[2].partition("/")
        if request.method == "GET" and name:
            return web.json_response(self.deployment)
        if request.method == "GET":
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": self.lists[plural]})
        self.sent.append((request.method, f"{plural}/{name}".rstrip("/"), json.loads(await request.text())))
        if name in self.refused:
            return web.json_response({"kind": "Status", "code": 409, "message": "it changed"}, status=409)
        return web.json_response({})

    def written(self, method: str) -> dict[str, Any]:
        return {what: body for how, what, body in self.sent if how == method}


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def adopter(server: Server, tmp_path: Path) -> AsyncIterator[Adopter]:
    async def as_it_is_sent(_: object, manifest: Json) -> Json:
        return manifest

    async with serving(server) as url, Client(a_connection(tmp_path, url)) as client:
        yield Adopter(client, as_it_is_sent)


def an_object(name: str, owner: str = "", **fields: Any) -> Json:
    references = [{"apiVersion": "v1", "kind": "Owner", "name": owner, "uid": owner, "controller": True}]
    metadata = {"namespace": "default", "name": name, "uid": f"uid-{name}", "resourceVersion": "5"}
    return {"metadata": metadata | ({"ownerReferences": references} if owner else {}), **fields}


def a_set(name: str, owner: str = "") -> Json:
    return an_object(name, owner, spec={"template": {"metadata": {"labels": APP}}})


def an_adoption(**fields: Any) -> Adoption:
    known = {
        "phase": AdoptionPhase.RELEASED,
        "uid": "old",
        "generation": 1,
        "selector": "app=fraud",
        "manifest": "fraud-adopted",
        "serving": AdoptedReplicaSet(name="new", uid="uid-new"),
        "earlier": ("uid-older",),
        "template_hash": LABELS["pennant.dev/template-hash"],
        "since": NOON,
    }
    return Adoption(**known | fields)


async def test_the_serving_replica_set_gets_the_labels_before_its_pods(adopter: Adopter, server: Server) -> None:
    server.lists["replicasets"] = [a_set("older"), a_set("new"), a_set("unknown")]
    server.lists["pods"] = [
        *(an_object(f"p{number}", "uid-new", spec={}) for number in range(PODS)),
        an_object("other", "uid-unknown", spec={}),
    ]
    await adopter.label(OWNER, an_adoption(), MANIFEST)
    patches = server.written("PATCH")
    assert server.sent[0][1] == "replicasets/new"
    assert patches["replicasets/new"] == {
        "metadata": {"uid": "uid-new", "resourceVersion": "5", "labels": LABELS},
        "spec": {"template": {"metadata": {"labels": LABELS}}},
    }
    assert patches["replicasets/older"]["metadata"]["labels"] == {"pennant.dev/modeldeployment": "fraud"}
    assert patches.keys() == {"replicasets/new", "replicasets/older", *(f"pods/p{number}" for number in range(PODS))}


@pytest.mark.parametrize(
    "fields",
    [{"replaces_pods": "spec.template differs"}, {"template_hash": "another"}],
    ids=["differs", "changed since"],
)
async def test_pods_that_are_replaced_get_only_what_the_selector_needs(
    adopter: Adopter, server: Server, fields: dict[str, str]
) -> None:
    server.lists["replicasets"], server.lists["pods"] = [a_set("new")], [an_object("p", "uid-new", spec={})]
    await adopter.label(OWNER, an_adoption(**fields), MANIFEST)
    assert [body["metadata"]["labels"] for body in server.written("PATCH").values()] == [
        {"pennant.dev/modeldeployment": "fraud"}
    ] * 2
    assert all("spec" not in body for body in server.written("PATCH").values())


async def test_what_has_another_owner_by_now_is_left_alone(adopter: Adopter, server: Server) -> None:
    server.lists["replicasets"] = [a_set("new", "another"), a_set("older", "another")]
    server.lists["pods"] = [an_object("p", "uid-new", spec={})]
    await adopter.label(OWNER, an_adoption(), MANIFEST)
    assert server.sent == []


async def test_what_still_belongs_to_the_deployment_is_waited_for(adopter: Adopter, server: Server) -> None:
    server.lists["replicasets"] = [a_set("new"), a_set("older", "old")]
    with pytest.raises(Conflict, match="still belong to it"):
        await adopter.label(OWNER, an_adoption(), MANIFEST)
    assert server.sent == []


async def test_a_pod_that_has_changed_is_a_conflict_after_all_others(adopter: Adopter, server: Server) -> None:
    server.lists["replicasets"] = [a_set("new")]
    server.lists["pods"] = [an_object(f"p{number}", "uid-new", spec={}) for number in range(3)]
    server.refused = {"p0"}
    with pytest.raises(Conflict):
        await adopter.label(OWNER, an_adoption(), MANIFEST)
    assert len(server.written("PATCH")) == 4


@pytest.fixture
def preparation(server: Server) -> PrepareAdoption:
    """Return the preparation for a Deployment with what the API server and the controllers add to one."""
    own = {"deployment.kubernetes.io/revision": "3", "team": "risk"}
    spec = {"replicas": 3, "selector": {"matchLabels": APP}, "template": {"metadata": {"labels": APP}, "spec": SPEC}}
    found: dict[str, Any] = {**an_object("fraud", spec=spec, status={"replicas": 3})}
    server.deployment = found
    found["metadata"] |= {
        "annotations": own,
        "generation": 4,
        "creationTimestamp": "now",
        "managedFields": [],
    }
    return PrepareAdoption(decode.deployment(server.deployment).workload, MANIFEST, NOON)


async def test_the_manifest_is_kept_as_it_can_be_created_again(
    adopter: Adopter, server: Server, preparation: PrepareAdoption
) -> None:
    found = await adopter.prepare(OWNER, preparation)
    kept = server.written("POST")["controllerrevisions"]
    assert kept["data"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "default", "name": "fraud", "annotations": {"team": "risk"}},
        "spec": server.deployment["spec"],
    }
    assert kept["metadata"]["name"] == found.manifest == "fraud-adopted"
    assert "pennant.dev/modeldeployment" not in kept["metadata"]["labels"], "it is no revision"
    assert (found.generation, found.selector, found.replaces_pods) == (4, "app=fraud", "")


async def test_one_of_an_earlier_attempt_is_replaced_in_the_state_that_was_read(
    adopter: Adopter, server: Server, preparation: PrepareAdoption
) -> None:
    old = an_object("fraud-adopted", data={"spec": "another"})
    old["metadata"]["labels"] = {"pennant.dev/adopted-by": "fraud", "app.kubernetes.io/managed-by": "pennant"}
    server.lists["controllerrevisions"] = [old]
    await adopter.prepare(OWNER, preparation)
    deleted = server.written("DELETE")["controllerrevisions/fraud-adopted"]
    assert deleted["preconditions"] == {"uid": "uid-fraud-adopted", "resourceVersion": "5"}
    assert "controllerrevisions" in server.written("POST")


async def test_one_of_somebody_else_is_not_replaced(
    adopter: Adopter, server: Server, preparation: PrepareAdoption
) -> None:
    server.lists["controllerrevisions"] = [an_object("fraud-adopted", "somebody", data={})]
    with pytest.raises(Refused, match="belongs to another object; delete or rename it"):
        await adopter.prepare(OWNER, preparation)
    assert server.sent == []
