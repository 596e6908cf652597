"""What `spec.delivery` adds to a pod template, and which versions it cannot bring to pods."""

from typing import Any

import pytest

from pennant.api.artifacts import Artifact
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.api.reasons import Reason
from pennant.core.decide import decide
from pennant.core.facts.decision import CreateRevision
from pennant.core.facts.observation import Observation
from pennant.core.rollout import delivery
from pennant.core.rollout.revision import inputs_hash, render
from pennant.fetching.wanted import wanted
from simulation.support.story import a_record
from unit.core.builders import NOON, a_snapshot, a_version, the_spec

IMAGE = "registry.example.com/pennant:0.1.0"
SHA = f"sha256:{'a' * 64}"
LIST = f"sha256:{'b' * 64}"
POD = {
    "initContainers": [{"name": "warm", "image": "w"}],
    "containers": [{"name": "server", "image": "s"}, {"name": "proxy", "image": "p"}],
}
MODEL = {"name": "model", "uri": "s3://models/fraud/$1/model.onnx", "digest": SHA}
TOKENIZER = {"name": "tok-enizer", "uri": "https://example.com/t.tar.gz?x=1", "digest": "md5:" + "A" * 32}
ADAPTER = {"name": "adapter", "uri": "hf://org/lora@abc", "manifestDigest": LIST}
OCI = {"name": "model", "uri": "oci://registry.example.com:5000/models/fraud:1.0", "digest": SHA}


def a_spec(pod: Json = POD, **fields: Any) -> ModelDeploymentSpec:
    return ModelDeploymentSpec.model_validate({"model": "fraud", "template": {"spec": pod}} | fields)


def version_of(*artifacts: Json) -> ModelVersionSpec:
    return ModelVersionSpec.model_validate(a_record("1.0.0", artifacts=list(artifacts)))


def pod_of(spec: ModelDeploymentSpec, *artifacts: Json) -> dict[str, Any]:
    return dict(render("fraud", spec, version_of(*artifacts), IMAGE)["spec"])


def paths(container: Json) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container.get("env", ()) if each["name"].startswith("MODEL_PATH")}


def test_env_adds_nothing() -> None:
    """Rule: R160."""
    version = version_of(MODEL)
    assert render("fraud", a_spec(delivery={"mode": "Env"}), version, IMAGE) == render("fraud", a_spec(), version, "")
    assert inputs_hash(a_spec(delivery={})) == inputs_hash(a_spec())


def test_fetch_copies_each_artefact_to_a_path_that_the_server_is_told() -> None:
    """Rule: R160."""
    pod = pod_of(a_spec(delivery={"mode": "Fetch", "unpack": ["tok-enizer"]}), MODEL, TOKENIZER, ADAPTER)
    expected = {
        "MODEL_PATH": "/mnt/models/model/model.onnx",
        "MODEL_PATH_MODEL": "/mnt/models/model/model.onnx",
        "MODEL_PATH_TOK_ENIZER": "/mnt/models/tok-enizer",
        "MODEL_PATH_ADAPTER": "/mnt/models/adapter",
    }
    fetcher, warm = pod["initContainers"]
    server, proxy = pod["containers"]
    assert [paths(each) for each in (warm, server, proxy, fetcher)] == [expected, expected, {}, {}]
    mount = {"name": "pennant-models", "mountPath": "/mnt/models", "readOnly": True}
    assert [each.get("volumeMounts") for each in (warm, server, proxy)] == [[mount], [mount], None]
    assert fetcher["volumeMounts"] == [{"name": "pennant-models", "mountPath": "/mnt/models"}]
    assert pod["volumes"] == [{"name": "pennant-models", "emptyDir": {}}]
    assert (fetcher["name"], fetcher["image"]) == ("pennant-fetch", IMAGE)
    assert fetcher["args"] == [
        "fetch",
        "--to=/mnt/models",
        "--termination-log=/dev/termination-log",
        "--unpack=tok-enizer",
        # Kubernetes makes one dollar sign of two.
        f"--artifact=model=s3://models/fraud/$$1/model.onnx@{SHA}",
        f"--artifact=tok-enizer=https://example.com/t.tar.gz?x=1@md5:{'a' * 32}",
        f"--artifact=adapter=hf://org/lora@abc/@{LIST}",
    ]


def test_what_fetches_reads_its_arguments_as_they_were_meant() -> None:
    """The paths that the server is told are those that the command writes."""
    for spec in ({"unpack": ["tok-enizer"]}, {"unpack": ["tok-enizer"], "claimName": "models"}):
        given = a_spec(delivery={"mode": "Fetch", **spec})
        version = version_of(MODEL, TOKENIZER, ADAPTER, OCI | {"name": "layers"})
        words = [delivery.source(each) for each in version.artifacts]
        found = wanted(words, ["tok-enizer"], by_digest="claimName" in spec)
        told = delivery.paths(given, version)
        assert {each.name: f"/mnt/models/{each.target}" for each in found} == told
        assert [each.digest for each in found] == [SHA, f"md5:{'a' * 32}", LIST, SHA]
        assert [each.is_directory for each in found] == [False, False, True, False]


def test_a_claim_has_artefacts_by_their_digests() -> None:
    """Rule: R163."""
    pod = pod_of(a_spec(delivery={"mode": "Fetch", "claimName": "models"}), MODEL)
    assert pod["volumes"] == [{"name": "pennant-models", "persistentVolumeClaim": {"claimName": "models"}}]
    assert "--by-digest" in pod["initContainers"][0]["args"]
    assert paths(pod["containers"][0]) == {"MODEL_PATH": f"/mnt/models/sha256-{'a' * 64}-model.onnx"}


def test_the_container_that_fetches_has_no_rights_and_alone_gets_the_credentials() -> None:
    """Rule: R166."""
    given = {
        "mode": "Fetch",
        "mountPath": "/models",
        "sizeLimit": "20Gi",
        "requireDigest": False,
        "envFrom": [{"secretRef": {"name": "bucket"}}],
        "resources": {"limits": {"memory": "512Mi"}},
    }
    pod = pod_of(a_spec(delivery=given), MODEL)
    fetcher = pod["initContainers"][0]
    assert fetcher["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert fetcher["envFrom"] == [{"secretRef": {"name": "bucket"}}]
    assert fetcher["resources"] == {"limits": {"memory": "512Mi"}}
    assert {"--to=/models", "--size-limit=20Gi", "--allow-missing-digest"} <= set(fetcher["args"])
    assert pod["volumes"] == [{"name": "pennant-models", "emptyDir": {"sizeLimit": "20Gi"}}]
    assert not any("envFrom" in each for each in (*pod["initContainers"][1:], *pod["containers"]))

    root = POD | {"securityContext": {"runAsUser": 0}}
    fetcher = pod_of(a_spec(root, delivery=given), MODEL)["initContainers"][0]
    assert fetcher["securityContext"]["runAsUser"] == 65532, "a pod of root would make it root too"


def test_an_image_is_mounted_by_its_digest() -> None:
    """Rule: R165."""
    tagged = {"name": "b", "uri": f"registry.example.com/base:2@{LIST}"}
    pod = pod_of(a_spec(delivery={"mode": "Image"}), OCI, tagged)
    references = [
        {"name": "pennant-models-0", "image": {"reference": f"registry.example.com:5000/models/fraud@{SHA}"}},
        {"name": "pennant-models-1", "image": {"reference": f"registry.example.com/base@{LIST}"}},
    ]
    assert pod["volumes"] == references
    server = pod["containers"][0]
    assert server["volumeMounts"] == [
        {"name": "pennant-models-0", "mountPath": "/mnt/models/model", "readOnly": True},
        {"name": "pennant-models-1", "mountPath": "/mnt/models/b", "readOnly": True},
    ]
    assert paths(server)["MODEL_PATH"] == "/mnt/models/model"
    assert [each["name"] for each in pod["initContainers"]] == ["warm"]
    alone = pod_of(a_spec({"containers": [{"name": "server"}]}, delivery={"mode": "Image"}), OCI)
    assert "initContainers" not in alone


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://b/model.onnx", "model.onnx"),
        ("https://x/a/m.bin?sig=/../z", "m.bin"),
        ("s3://b/a b/ü ñ.onnx", "___.onnx"),
        ("s3://b/..", "artifact"),
        ("s3://b/.hidden", "hidden"),
        ("s3://b", "artifact"),
        (f"s3://b/{'n' * 300}.gguf", f"{'n' * 123}.gguf"),
    ],
)
def test_a_file_has_a_name_that_is_safe(uri: str, name: str) -> None:
    assert delivery.file_name(uri) == name


WITHOUT = {"name": "model", "uri": "s3://b/m"}
UNDELIVERABLE: dict[str, tuple[dict[str, Any], Json, str]] = {
    "no digest": ({"mode": "Fetch"}, WITHOUT, "cannot be delivered by Fetch: it has no digest. Record one, or set"),
    "an etag": ({"mode": "Fetch"}, WITHOUT | {"digest": "etag:abc"}, "etag cannot be computed from its bytes"),
    "an etag though none is required": (
        {"mode": "Fetch", "requireDigest": False},
        WITHOUT | {"digest": "etag:abc"},
        "etag cannot be computed from its bytes. Record one of sha256, sha384, sha512, sha1, md5",
    ),
    "an md5 of a directory": (
        {"mode": "Fetch"},
        {"name": "model", "uri": "s3://b/m/", "digest": "md5:" + "0" * 32},
        "md5 cannot be computed from its files of a directory. Record one of sha256",
    ),
    "what is no artefact": ({"mode": "Fetch", "unpack": ["other"]}, MODEL, "unpack names other, and 1.0.0 has no such"),
    "no image": ({"mode": "Image"}, MODEL, "is no reference to an image, such as oci://registry.example.com/fraud:1"),
    "an image without digest": (
        {"mode": "Image"},
        {"name": "model", "uri": "oci://registry.example.com/fraud:1"},
        "cannot be delivered by Image: it has no digest, and an image is mounted only by its digest",
    ),
    "two digests": (
        {"mode": "Image"},
        {"name": "model", "uri": f"oci://registry.example.com/fraud@{LIST}", "digest": SHA},
        f"its URI names the digest {LIST}, and its digest is {SHA}",
    ),
    "another digest": (
        {"mode": "Image"},
        {"name": "model", "uri": "oci://registry.example.com/fraud", "digest": "md5:" + "0" * 32},
        "is no digest of an image, which begins with sha256:",
    ),
}


@pytest.mark.parametrize("name", UNDELIVERABLE)
def test_a_version_that_cannot_be_delivered_is_not_rolled_out(name: str) -> None:
    """Rule: R161."""
    given, artifact, says = UNDELIVERABLE[name]
    record = a_record("1.0.0", artifacts=[artifact])
    version = a_version("1.0.0", "production", record=record, spec=ModelVersionSpec.model_validate(record))
    spec = the_spec(delivery=given)
    seen = Observation(NOON, a_snapshot("fraud", spec=spec, versions=(version,)), fetch_image=IMAGE)
    decision = decide(seen)
    assert not any(isinstance(each, CreateRevision) for each in decision.actions)
    (stalled,) = (each for each in decision.status.conditions if each.type == "Stalled")
    assert stalled.reason == Reason.ARTIFACT_UNDELIVERABLE
    assert says in stalled.message


def test_without_its_own_image_the_operator_fetches_nothing() -> None:
    """Rule: R161."""
    spec = a_spec(delivery={"mode": "Fetch"})
    assert "PENNANT_FETCH_IMAGE" in delivery.problem(spec, version_of(MODEL), "")
    assert delivery.problem(spec, version_of(MODEL), IMAGE) == ""
    assert delivery.problem(a_spec(), version_of(WITHOUT), "") == ""
    assert delivery.problem(a_spec(delivery={"mode": "Image"}), version_of(OCI), "") == ""
    allowed = a_spec(delivery={"mode": "Fetch", "requireDigest": False})
    assert delivery.problem(allowed, version_of(WITHOUT), IMAGE) == ""


def test_another_image_of_the_operator_renders_another_template_from_the_same_inputs() -> None:
    """Rule: R25."""
    spec, version = a_spec(delivery={"mode": "Fetch"}), version_of(MODEL)
    assert render("fraud", spec, version, "pennant:1") != render("fraud", spec, version, "pennant:2")
    assert inputs_hash(spec) == inputs_hash(a_spec(delivery={"mode": "Fetch"})) != inputs_hash(a_spec())


def test_a_directory_is_one_by_its_list_of_files_or_its_slash() -> None:
    assert delivery.is_tree(Artifact.model_validate(ADAPTER))
    assert delivery.is_tree(Artifact.model_validate(WITHOUT | {"uri": "s3://b/m/"}))
    assert not delivery.is_tree(Artifact.model_validate(MODEL | {"manifestDigest": LIST}))
    both = {"digest": SHA, "manifestDigest": LIST}
    assert delivery.digest_of(Artifact.model_validate(MODEL | both)) == SHA
    assert delivery.digest_of(Artifact.model_validate(WITHOUT | {"uri": "s3://b/m/"} | both)) == LIST


KEY = {"configMapKeyRef": {"name": "signers", "key": "team.pem"}}


def test_a_public_key_asks_for_a_signature_of_each_artefact() -> None:
    """Rule: R167."""
    spec = a_spec(delivery={"mode": "Fetch", "publicKey": KEY})
    signed = MODEL | {"signature": {"uri": "s3://models/$1.sig"}}
    said = delivery.problem(spec, version_of(signed, TOKENIZER), IMAGE)
    assert said.startswith("artefact tok-enizer cannot be delivered by Fetch: it has no signature")
    assert delivery.problem(spec, version_of(signed), IMAGE) == ""
    fetcher = pod_of(spec, signed)["initContainers"][0]
    assert fetcher["env"] == [{"name": "PENNANT_PUBLIC_KEY", "valueFrom": KEY}]
    assert fetcher["args"][-1] == "--signature=model=s3://models/$$1.sig"
    without_key = pod_of(a_spec(delivery={"mode": "Fetch"}), signed)["initContainers"][0]
    assert "env" not in without_key
    assert not any("--signature" in each for each in without_key["args"])


def test_the_place_of_an_artefact_is_an_input_where_pods_get_it_from_there() -> None:
    """Rule: R168."""
    moved = {**MODEL, "uri": "s3://elsewhere/model.onnx"}
    resigned = {**MODEL, "signature": {"uri": "s3://models/other.sig"}}

    def hashes(**delivery: Any) -> list[str]:
        spec = a_spec(delivery=delivery) if delivery else a_spec()
        return [inputs_hash(spec, version_of(each)) for each in (MODEL, moved, resigned)]

    key = {"configMapKeyRef": {"name": "signers", "key": "team.pem"}}
    assert len(set(hashes())) == 1, "a server that loads the artefact itself has the same pod template"
    assert hashes()[0] == inputs_hash(a_spec())
    for mode in ("Fetch", "Image"):
        first, second, third = hashes(mode=mode)
        assert (first == third, first != second) == (True, True)
    assert len(set(hashes(mode="Fetch", publicKey=key))) == 3
