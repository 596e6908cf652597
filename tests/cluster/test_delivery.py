"""Artefacts that the operator has pods fetch: by its own image, into a volume, with the digests of the record."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from cluster.plugin import kubectl_pennant
from cluster.scenario import Manifest, Scenario
from unit.fetching.servers import files

BROKEN = b"not what was registered"


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Bucket:
    """Artefacts in a directory."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.directory = scenario, scenario.directory / "bucket"
        self.directory.mkdir()

    def put(self, name: str, content: bytes) -> dict[str, Any]:
        """Write a file, and return the artefact of a record."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return {"name": "model", "uri": path.as_uri(), "digest": sha256(content)}

    def version(self, version: str, *tags: str, artifacts: list[dict[str, Any]]) -> None:
        self.scenario.accuracy(version, 0.95)
        self.scenario.version(version, *tags, artifacts=artifacts)

    def promote(self, old: tuple[str, list[Any]], new: tuple[str, list[Any]]) -> None:
        """Move the tag."""
        for (version, artifacts), tags in ((old, ()), (new, ("production",))):
            self.version(version, *tags, artifacts=artifacts)


def a_reader(scenario: Scenario, deadline: int = 600, **delivery: Any) -> Manifest:
    """Return a ModelDeployment whose server writes down what lies at MODEL_PATH before it serves."""
    rollout = {"maxSurge": 1, "maxUnavailable": 0, "progressDeadlineSeconds": deadline}
    manifest = scenario.a_deployment(rollout=rollout, delivery={"mode": "Fetch", **delivery})
    (server,) = manifest["spec"]["template"]["spec"]["containers"]
    # The node has at mnt/models what is mounted at /mnt/models.
    read = f'cp -r ".$MODEL_PATH" {scenario.directory}/$MODEL_VERSION.read && exec "$@"'
    server["command"] = ["sh", "-c", read, "sh", *server["command"]]
    return manifest


def read_by(scenario: Scenario, version: str) -> Path:
    return scenario.directory / f"{version}.read"


def why(scenario: Scenario) -> str:
    code, said, _ = kubectl_pennant(scenario, "why", "fraud")
    assert code == 0
    return said


def test_the_bytes_that_serve_are_those_of_the_record_and_others_never_do(scenario: Scenario) -> None:
    """The reason is DigestMismatch, long before the progress deadline, and the old version keeps serving.

    Rule: R160.
    Rule: R162.
    Rule: R168.
    """
    bucket = Bucket(scenario)
    good, bad = [bucket.put("1.0.0/model.onnx", b"weights" * 1000)], [bucket.put("1.1.0/model.onnx", b"more weights")]
    bucket.version("1.0.0", "production", artifacts=good)
    scenario.apply(a_reader(scenario))
    scenario.until_verified("1.0.0")
    assert read_by(scenario, "1.0.0").read_bytes() == b"weights" * 1000
    (pod,) = scenario.all_of("pod")
    (fetcher,) = pod["spec"]["initContainers"]
    assert (fetcher["name"], fetcher["image"]) == ("pennant-fetch", "pennant:0.1.0")
    assert "Nothing is blocked." in why(scenario)

    (bucket.directory / "1.1.0" / "model.onnx").write_bytes(BROKEN)
    bucket.promote(("1.0.0", good), ("1.1.0", bad))
    scenario.until_rolled_back_to("1.0.0", seconds=45)
    (entry,) = scenario.status["quarantine"]
    assert (entry["version"], entry["reason"]) == ("1.1.0", "DigestMismatch")
    assert f"artefact model has the digest {sha256(BROKEN)}, not {bad[0]['digest']} as recorded" in entry["message"]
    assert scenario.condition("RolledBack") == ("True", "DigestMismatch")
    assert not read_by(scenario, "1.1.0").exists(), "it never served"
    assert "R162" in why(scenario)
    assert sha256(BROKEN) in why(scenario)
    assert scenario.pods("1.0.0") == [pod["metadata"]["name"]], "the old pod keeps serving"

    # The artefact is restored, and the version retried.
    (bucket.directory / "1.1.0" / "model.onnx").write_bytes(b"more weights")
    scenario.command(retry="1.1.0", requested_at="1")
    scenario.until_verified("1.1.0")
    assert read_by(scenario, "1.1.0").read_bytes() == b"more weights"

    # Its content is registered again at another place, where other bytes lie.
    copy = [bucket.put("1.2.0/model.onnx", b"more weights")]
    (bucket.directory / "1.2.0" / "model.onnx").write_bytes(BROKEN)
    (serving,) = scenario.pods("1.1.0")
    bucket.promote(("1.1.0", bad), ("1.2.0", copy))
    scenario.until_rolled_back_to("1.1.0", seconds=45)
    assert scenario.quarantined() == [("1.2.0", "DigestMismatch")]
    assert scenario.pods("1.1.0") == [serving], "the version with the same digest keeps serving"


def test_an_unsafe_archive_fails_a_rollout_and_a_version_without_digest_begins_none(scenario: Scenario) -> None:
    """The reasons are ArtifactRefused and ArtifactUndeliverable.

    Rule: R161.
    Rule: R164.
    """
    bucket = Bucket(scenario)
    good = [bucket.put("1.0.0.tar.gz", archive({"config.json": b"{}", "weights/1.bin": b"1"}))]
    unsafe = [bucket.put("1.1.0.tar.gz", archive({"../outside": b"x"}))]
    unknown = [{"name": "model", "uri": (bucket.directory / "1.0.0.tar.gz").as_uri()}]
    bucket.version("1.0.0", "production", artifacts=good)
    scenario.apply(a_reader(scenario, unpack=["model"], sizeLimit="1Mi"))
    scenario.until_verified("1.0.0")
    assert (read_by(scenario, "1.0.0") / "weights" / "1.bin").read_bytes() == b"1"

    bucket.promote(("1.0.0", good), ("1.1.0", unsafe))
    scenario.until_rolled_back_to("1.0.0", seconds=45)
    assert scenario.quarantined() == [("1.1.0", "ArtifactRefused")]
    assert "the file ../outside is not in the directory" in scenario.message("RolledBack")

    bucket.promote(("1.1.0", unsafe), ("1.2.0", unknown))
    scenario.until_stalled("ArtifactUndeliverable")
    assert "artefact model cannot be delivered by Fetch: it has no digest" in scenario.message("Stalled")
    assert [each["version"] for each in scenario.history] == ["1.0.0", "1.1.0", "1.0.0"], "nothing was rolled out"
    assert scenario.served() == "1.0.0"
    assert "R161" in why(scenario)
    bucket.promote(("1.2.0", unknown), ("1.0.0", good))
    scenario.until_no_longer_stalled()


def test_pods_that_share_a_claim_fetch_an_artefact_once(scenario: Scenario) -> None:
    """Rule: R163."""
    content = b"weights" * 100_000
    with files({"/model.onnx": content}) as server:
        artifact = {"name": "model", "uri": f"{server.address}/model.onnx", "digest": sha256(content)}
        for each in a_claim("models", scenario.namespace):
            scenario.kubectl("apply", "-f", "-", stdin=json.dumps(each))
        scenario.accuracy("1.0.0", 0.95)
        scenario.version("1.0.0", "production", artifacts=[artifact])
        manifest = a_reader(scenario, claimName="models")
        manifest["spec"]["replicas"] = 3
        scenario.apply(manifest)
        scenario.until_verified("1.0.0")
        assert read_by(scenario, "1.0.0").read_bytes() == content
        assert len(scenario.pods("1.0.0")) == 3
        assert len(server.asked) == 1
        # A pod that comes later finds it there.
        scenario.merge("modeldeployment", "fraud", {"spec": {"replicas": 4}})
        scenario.until(lambda: scenario.get("deployment")["status"].get("availableReplicas") == 4, what="a fourth pod")
        assert len(server.asked) == 1
    manifest["spec"]["replicas"] = 4
    scenario.noted(manifest)
    scenario.kubectl("delete", "persistentvolume", scenario.namespace, "--wait=false")


def test_an_image_is_mounted_by_its_digest_and_nothing_else_is(scenario: Scenario) -> None:
    """The API server takes the volume; the test node names it, as it cannot mount one.

    Rule: R165.
    """
    digest = sha256(b"manifest")
    image = [{"name": "model", "uri": "oci://registry.example.com/fraud:1.0.0", "digest": digest}]
    tagged = [{"name": "model", "uri": "oci://registry.example.com/fraud:1.1.0"}]
    bucket = Bucket(scenario)
    bucket.version("1.1.0", "production", artifacts=tagged)
    scenario.apply(scenario.a_deployment(delivery={"mode": "Image"}))
    scenario.until_stalled("ArtifactUndeliverable")
    assert "it has no digest, and an image is mounted only by its digest" in scenario.message("Stalled")
    assert scenario.condition("TemplateValid")[0] == "True", "a dry run with a stand-in succeeds"
    assert not scenario.exists("deployment", "fraud")

    bucket.promote(("1.1.0", tagged), ("1.0.0", image))
    scenario.until(lambda: scenario.all_of("pod"), what="a pod")
    (pod,) = scenario.all_of("pod")
    (volume,) = (each for each in pod["spec"]["volumes"] if "image" in each)
    assert volume["image"]["reference"] == f"registry.example.com/fraud@{digest}"
    mounts = pod["spec"]["containers"][0]["volumeMounts"]
    assert {"name": volume["name"], "mountPath": "/mnt/models/model", "readOnly": True} in mounts

    def named() -> bool:
        statuses = scenario.all_of("pod")[0]["status"].get("containerStatuses") or [{"state": {}}]
        return "does not support volume pennant-models-0" in str(statuses[0]["state"])

    scenario.until(named, what="what the test node cannot mount")
    # So that the scenario ends with a revision that serves.
    scenario.apply(scenario.a_deployment())
    scenario.until_verified("1.0.0")


def a_claim(name: str, namespace: str) -> list[Manifest]:
    """Return a claim and the volume that it is bound to."""
    size, reference = {"storage": "1Gi"}, {"name": name, "namespace": namespace}
    volume = {
        "capacity": size,
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "claimRef": reference,
        "hostPath": {"path": "/nonexistent"},
    }
    claim = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "",
        "volumeName": namespace,
        "resources": {"requests": size},
    }
    return [
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": namespace}, "spec": volume},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": reference, "spec": claim},
    ]


def archive(content: dict[str, bytes]) -> bytes:
    """Return a tar with these files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, each in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(each)
            tar.addfile(member, io.BytesIO(each))
    return made.getvalue()
