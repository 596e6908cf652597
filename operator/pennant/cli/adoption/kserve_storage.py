"""Where the model of an InferenceService comes from: what KServe's webhook adds to the pods, written out."""

from typing import Any

from pennant.api.meta import Json
from pennant.cli.adoption.kserve_runtime import MODEL_CONTAINER, TRANSFORMER
from pennant.cli.adoption.objects import items, mapping, name_of
from pennant.cli.adoption.workload import Artifact
from pennant.cli.errors import CliError

INITIALIZER = "storage-initializer"
IMAGE = "kserve/storage-initializer:v0.15.2"
PLACE = "/mnt/models"
STORAGE_LOST = (
    "storage is not carried over: write an init container that downloads the model, and give its address as --uri"
)
OCI = ("oci://", "oci+native://", "oci+fetch://")


def stored(raw: Json, pod: dict[str, Any]) -> tuple[dict[str, Any], tuple[Artifact, ...], list[str]]:
    """Return the pod with an init container that downloads the model, or a volume; the artefacts; what is lost.

    Raises `CliError` for an image as a model.
    """
    sources = _sources(raw)
    if not sources:
        return pod, (), [STORAGE_LOST] if _has_storage(raw) else []
    for uri, _, _ in sources:
        if uri.startswith(OCI):
            raise CliError(
                f"inferenceservice/{name_of(raw)} has its model in the image {uri}, which KServe mounts. Write a "
                "ModelDeployment with delivery.mode Image, and a ModelVersion with the digest of the image: adopt "
                "cannot, because other paths of the image are mounted then"
            )
    artifacts = tuple(Artifact(uri, why) for uri, _, why in sources)
    claims = [each for each in sources if each[0].startswith("pvc://")]
    fetched = [each for each in sources if each not in claims]
    for number, (uri, place, _) in enumerate(claims):
        claim, _, below = uri.removeprefix("pvc://").partition("/")
        volume = f"model-{number + 1}" if len(claims) > 1 else "model"
        mount = {"name": volume, "mountPath": place, "readOnly": True, **({"subPath": below} if below else {})}
        pod = _mounted(pod, {"name": volume, "persistentVolumeClaim": {"claimName": claim}}, mount)
    if not fetched:
        return pod, artifacts, []
    return _fetching(pod, fetched, is_only=len(sources) == 1), artifacts, _lost(pod)


def _sources(raw: Json) -> list[tuple[str, str, str]]:
    """Return each URI of the model, where it is mounted, and the field that says so."""
    predictor = mapping(raw, "spec", "predictor")
    if (uri := mapping(predictor, "model").get("storageUri")) is not None:
        return [(str(uri), PLACE, "spec.predictor.model.storageUri")]
    found = [
        (str(each.get("uri")), str(each.get("mountPath") or PLACE), f"spec.predictor.storageUris[{number}]")
        for number, each in enumerate(items(predictor, "storageUris"))
    ]
    if found:
        return found
    # The older way of a custom predictor: the webhook reads this variable.
    variables = [each for container in items(predictor, "containers") for each in items(container, "env")]
    named = (str(each["value"]) for each in variables if each.get("name") == "STORAGE_URI" and each.get("value"))
    return [(each, PLACE, "the variable STORAGE_URI") for each in named][:1]


def _has_storage(raw: Json) -> bool:
    return bool(mapping(raw, "spec", "predictor", "model", "storage"))


def _mounted(pod: dict[str, Any], volume: Json, mount: Json) -> dict[str, Any]:
    """Return the pod with a volume, which the containers of KServe mount."""
    containers = [
        {**each, "volumeMounts": [*items(each, "volumeMounts"), mount]}
        if each["name"] in (MODEL_CONTAINER, TRANSFORMER)
        else each
        for each in pod["containers"]
    ]
    return {**pod, "containers": containers, "volumes": [*items(pod, "volumes"), volume]}


def _fetching(pod: dict[str, Any], sources: list[tuple[str, str, str]], *, is_only: bool) -> dict[str, Any]:
    arguments: list[str] = []
    mounts: list[Json] = []
    for number, (uri, place, _) in enumerate(sources):
        volume = f"model-{number + 1}-download" if len(sources) > 1 else "model-download"
        arguments += ["$(MODEL_URI)" if is_only else uri, place]
        mounts.append({"name": volume, "mountPath": place})
        pod = _mounted(pod, {"name": volume, "emptyDir": {}}, {**mounts[-1], "readOnly": True})
    resources = {"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    fetcher = {"name": INITIALIZER, "image": IMAGE, "args": arguments, "resources": resources, "volumeMounts": mounts}
    return {"initContainers": [*items(pod, "initContainers"), fetcher], **_without(pod, "initContainers")}


def _without(pod: dict[str, Any], field: str) -> dict[str, Any]:
    return {key: each for key, each in pod.items() if key != field}


def _lost(pod: Json) -> list[str]:
    account = pod.get("serviceAccountName") or "default"
    return [
        f"the image of the init container {INITIALIZER} is {IMAGE}: set the one of your KServe, which "
        "`kubectl get clusterstoragecontainer default -o yaml` shows",
        f"Pennant can fetch the model instead of {INITIALIZER}, and check its digest: see delivery.mode Fetch in "
        "docs/how-to/deliver-artefacts.md",
        f"KServe gave {INITIALIZER} the credentials of the service account {account}: give it the Secret with the keys "
        "by env or envFrom",
    ]
