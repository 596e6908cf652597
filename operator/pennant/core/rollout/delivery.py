"""What is added to a pod template so that its pods get the artefacts of a version: `spec.delivery`.

The init container, its arguments and the volumes depend on the spec, the record and the image of the operator alone.

Rule: R160.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pennant.api.artifacts import Artifact
from pennant.api.delivery import Delivery, DeliveryMode
from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.core.facts.digest import comparable
from pennant.core.facts.pods import FETCHER

VOLUME = "pennant-models"
TERMINATION_LOG = "/dev/termination-log"
"""Where the init container writes why it failed; the default of Kubernetes."""
PUBLIC_KEY = "PENNANT_PUBLIC_KEY"
"""The variable with the key that signatures are checked with."""
NOT_ROOT = 65532
"""The user of the operator's image."""
COMPUTABLE = ("sha256", "sha384", "sha512", "sha1", "md5")
"""The algorithms whose digest can be computed from the bytes of a file."""
COMPUTABLE_OF_DIRECTORIES = ("sha256",)
OCI = "oci://"
_REFERENCE = re.compile(
    r"(?P<repository>[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+)"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@(?P<digest>sha256:[a-f0-9]{64}))?"
)
"""A reference to an image with its registry, as Kubernetes takes it."""


def problem(spec: ModelDeploymentSpec, version: ModelVersionSpec, fetch_image: str) -> str:
    """Return why an artefact of a version cannot be delivered, as a sentence; empty: all of them can.

    Rule: R161.
    """
    delivery = spec.delivery
    match delivery.mode:
        case DeliveryMode.ENV:
            return ""
        case DeliveryMode.FETCH if not fetch_image:
            return (
                "spec.delivery.mode is Fetch, and the operator does not know its own image: set fetch_image "
                "(PENNANT_FETCH_IMAGE), as the chart does"
            )
        case DeliveryMode.FETCH:
            names = {each.name for each in version.artifacts}
            if unknown := [each for each in delivery.unpack if each not in names]:
                return f"spec.delivery.unpack names {', '.join(unknown)}, and {version.version} has no such artefact"
            problems = (_unfetchable(each, delivery) for each in version.artifacts)
        case DeliveryMode.IMAGE:
            problems = (_unmountable(each) for each in version.artifacts)
    return next((each for each in problems if each), "")


def paths(spec: ModelDeploymentSpec, version: ModelVersionSpec) -> dict[str, str]:
    """Return the path of each artefact in the containers by its name; empty: the pods get no artefacts.

    Rule: R160.
    """
    delivery = spec.delivery
    match delivery.mode:
        case DeliveryMode.ENV:
            return {}
        case DeliveryMode.FETCH:
            layout = [(each, each.name in delivery.unpack) for each in version.artifacts]
            by_digest = delivery.claim_name is not None
            found = {each.name: target(each, unpack, by_digest=by_digest) for each, unpack in layout}
        case DeliveryMode.IMAGE:
            found = {each.name: each.name for each in version.artifacts}
    return {name: f"{delivery.mount_path}/{below}" for name, below in found.items()}


def places(spec: ModelDeploymentSpec, version: ModelVersionSpec) -> dict[str, list[str]]:
    """Return the URIs that each artefact is brought from, by its name; empty: the server loads them itself.

    Rule: R168.
    """
    if spec.delivery.mode is DeliveryMode.ENV:
        return {}
    signed = spec.delivery.public_key is not None
    return {
        each.name: [each.uri, *([each.signature.uri] if signed and each.signature is not None else ())]
        for each in version.artifacts
    }


def target(artifact: Artifact, is_unpacked: bool, *, by_digest: bool) -> str:
    """Return where an artefact lies in the volume; in a claim, its name is that of its digest."""
    is_file = not is_unpacked and not is_tree(artifact)
    file = file_name(artifact.uri) if is_file else ""
    if not by_digest:
        return f"{artifact.name}/{file}" if file else artifact.name
    digest = (digest_of(artifact) or "").replace(":", "-")
    return f"{digest}-{file}" if file else f"{digest}-unpacked" if is_unpacked else digest


def is_tree(artifact: Artifact) -> bool:
    """Return whether an artefact is a directory of files."""
    of_files = artifact.digest is None and artifact.manifest_digest is not None
    return of_files or artifact.uri.endswith("/") or artifact.uri.startswith(OCI)


def _is_directory(artifact: Artifact) -> bool:
    """Return whether an artefact is a directory whose files a source lists; an OCI artifact has layers instead."""
    return is_tree(artifact) and not artifact.uri.startswith(OCI)


def computable(artifact: Artifact) -> tuple[str, ...]:
    """Return the algorithms whose digest can be computed from what is fetched of an artefact."""
    return COMPUTABLE_OF_DIRECTORIES if is_tree(artifact) else COMPUTABLE


def digest_of(artifact: Artifact) -> str | None:
    """Return the digest of the bytes of an artefact, in small letters; None: the record has none.

    That of a directory is the digest of the list of its files.
    """
    return comparable(
        (artifact.manifest_digest if _is_directory(artifact) else None) or artifact.digest or artifact.manifest_digest
    )


def file_name(uri: str) -> str:
    """Return the name of the file at a URI, with `_` for all that is no letter, digit, dot or dash."""
    last = urlsplit(uri).path.rstrip("/").rpartition("/")[2]
    name = re.sub(r"[^-._A-Za-z0-9]", "_", last)[-128:].lstrip(".")
    return name or "artifact"


def image_reference(artifact: Artifact) -> str:
    """Return the reference of an image by its digest; raises `ValueError` with what is wrong with the artefact.

    Rule: R165.
    """
    found = _REFERENCE.fullmatch(artifact.uri.removeprefix(OCI))
    if found is None:
        raise ValueError(
            f"its URI {artifact.uri} is no reference to an image, such as oci://registry.example.com/fraud:1"
        )
    digest, recorded = found["digest"], comparable(artifact.digest)
    if recorded is not None and not recorded.startswith("sha256:"):
        raise ValueError(f"its digest {artifact.digest} is no digest of an image, which begins with sha256:")
    if digest is not None and recorded is not None and digest != recorded:
        raise ValueError(f"its URI names the digest {digest}, and its digest is {recorded}")
    if digest is None and recorded is None:
        raise ValueError("it has no digest, and an image is mounted only by its digest")
    return f"{found['repository']}@{recorded or digest}"


def with_artifacts(
    template: Json, spec: ModelDeploymentSpec, version: ModelVersionSpec, fetch_image: str, mounting: frozenset[str]
) -> Json:
    """Return the pod template with what brings the artefacts; unchanged where `spec.delivery.mode` is Env.

    `mounting` are the names of the containers that see them.
    """
    delivery, pod = spec.delivery, template["spec"]
    match delivery.mode:
        case DeliveryMode.ENV:
            return template
        case DeliveryMode.FETCH:
            volumes: list[Json] = [_volume(delivery)]
            mounts: list[Json] = [{"name": VOLUME, "mountPath": delivery.mount_path, "readOnly": True}]
            first = [_fetcher(spec, version, fetch_image)]
        case DeliveryMode.IMAGE:
            images = [(f"{VOLUME}-{number}", each) for number, each in enumerate(version.artifacts)]
            volumes = [{"name": name, "image": {"reference": image_reference(each)}} for name, each in images]
            mounts = [
                {"name": name, "mountPath": f"{delivery.mount_path}/{each.name}", "readOnly": True}
                for name, each in images
            ]
            first = []
    own = [_mounting(each, mounts, mounting) for each in pod.get("initContainers") or ()]
    containers = [_mounting(each, mounts, mounting) for each in pod["containers"]]
    changed = {"containers": containers, "volumes": [*(pod.get("volumes") or ()), *volumes]}
    if first or own:
        changed["initContainers"] = [*first, *own]
    return {**template, "spec": {**pod, **changed}}


def _unfetchable(artifact: Artifact, delivery: Delivery) -> str:
    digest, said = digest_of(artifact), f"artefact {artifact.name} cannot be delivered by Fetch"
    if delivery.public_key is not None and artifact.signature is None:
        return f"{said}: it has no signature, and spec.delivery.publicKey is set. Record one with a new version"
    if not delivery.require_digest and digest is None:
        return ""
    if digest is None:
        return f"{said}: it has no digest. Record one, or set spec.delivery.requireDigest to false"
    known, algorithm = computable(artifact), digest.partition(":")[0]
    if algorithm not in known:
        what = "files of a directory" if is_tree(artifact) else "bytes"
        return f"{said}: {algorithm} cannot be computed from its {what}. Record one of {', '.join(known)}"
    return ""


def _unmountable(artifact: Artifact) -> str:
    try:
        image_reference(artifact)
    except ValueError as error:
        return f"artefact {artifact.name} cannot be delivered by Image: {error}"
    return ""


def _volume(delivery: Delivery) -> Json:
    if delivery.claim_name is not None:
        return {"name": VOLUME, "persistentVolumeClaim": {"claimName": delivery.claim_name}}
    limit = {} if delivery.size_limit is None else {"sizeLimit": delivery.size_limit}
    return {"name": VOLUME, "emptyDir": limit}


def _fetcher(spec: ModelDeploymentSpec, version: ModelVersionSpec, image: str) -> Json:
    """Return the init container that fetches the artefacts.

    Rule: R166.
    """
    delivery = spec.delivery
    context: dict[str, Any] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if (spec.template["spec"].get("securityContext") or {}).get("runAsUser") == 0:
        context["runAsUser"] = NOT_ROOT
    found: dict[str, Any] = {
        "name": FETCHER,
        "image": image,
        "args": [each.replace("$", "$$") for each in _arguments(delivery, version)],
        "securityContext": context,
        # What it logs last says more than an exit code, if it cannot write its message.
        "terminationMessagePath": TERMINATION_LOG,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": VOLUME, "mountPath": delivery.mount_path}],
    }
    if delivery.public_key is not None:
        found["env"] = [{"name": PUBLIC_KEY, "valueFrom": delivery.public_key.to_json()}]
    if delivery.env_from:
        found["envFrom"] = [each.to_json() for each in delivery.env_from]
    if delivery.resources is not None:
        found["resources"] = delivery.resources.to_json()
    return found


def _arguments(delivery: Delivery, version: ModelVersionSpec) -> Iterator[str]:
    yield "fetch"
    yield f"--to={delivery.mount_path}"
    yield f"--termination-log={TERMINATION_LOG}"
    if delivery.claim_name is not None:
        yield "--by-digest"
    if not delivery.require_digest:
        yield "--allow-missing-digest"
    if delivery.size_limit is not None:
        yield f"--size-limit={delivery.size_limit}"
    for name in delivery.unpack:
        yield f"--unpack={name}"
    for each in version.artifacts:
        yield f"--artifact={source(each)}"
        if delivery.public_key is not None and each.signature is not None:
            yield f"--signature={each.name}={each.signature.uri}"


def source(artifact: Artifact) -> str:
    """Return an artefact as `pennant fetch` takes it: `NAME=URI@DIGEST`, where the URI of a directory ends with `/`."""
    uri = f"{artifact.uri.rstrip('/')}/" if _is_directory(artifact) else artifact.uri
    digest = digest_of(artifact)
    return f"{artifact.name}={uri}@{digest}" if digest else f"{artifact.name}={uri}"


def _mounting(container: Json, mounts: list[Json], mounting: frozenset[str]) -> Mapping[str, Any]:
    if container["name"] not in mounting:
        return container
    return {**container, "volumeMounts": [*(container.get("volumeMounts") or ()), *mounts]}
