"""The artefacts of a model package: what its containers load from S3, or the image where they load nothing."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pennant.api.meta import DIGEST_PATTERN, Json
from pennant.record.artifacts import FORMATS
from pennant.record.secrecy import without_credentials
from pennant.registries.digest import registry_digest
from pennant.registries.notes import Notes

MAX_ARTIFACTS = 16
OBJECT, PREFIX, MANIFEST, OTHER = "object", "prefix", "manifest", "other"
"""What the URI of an artefact names."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What S3 says of an object."""

    etag: str
    sha256: str | None
    """In hexadecimal; None: it was uploaded without, or in parts."""
    size: int | None


@dataclass(frozen=True, slots=True)
class Data:
    """Something that a container loads."""

    name: str
    uri: str
    kind: str
    etag: str | None = None
    """At the time of the registration; None: SageMaker does not say it."""
    digest: str | None = None
    framework: tuple[str, str] = ("", "")
    """Name and version."""
    manifest: str | None = None
    """The URI of the list of files."""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The artefacts of a version, and what else is known of them."""

    listed: list[dict[str, Any]]
    place: Mapping[str, str]
    """What each URI names, by the name of the artefact."""
    annotations: Mapping[str, str]


def loaded(package: Json) -> list[Data]:
    """Return what the containers of a package load, each under a name of its own."""
    containers = (package.get("InferenceSpecification") or {}).get("Containers") or ()
    algorithms = (package.get("SourceAlgorithmSpecification") or {}).get("SourceAlgorithms") or ()
    found = [each for container in containers for each in _of_container(container)]
    found = found or [each for algorithm in algorithms for each in _of_container(algorithm)]
    source = str(package.get("SourceUri") or "")
    if not found and "://" in source:
        found = [_of_uri("model", source, None, ("", ""))]
    return [*_named(found or [each for container in containers for each in _of_image(container)])]


def artifacts(data: list[Data], stored: Mapping[str, Stored], notes: Notes) -> Artifacts:
    """Return `spec.artifacts`."""
    if len(data) > MAX_ARTIFACTS:
        notes.add(f"the record has the first {MAX_ARTIFACTS} of {len(data)} artefacts")
    listed, annotations = [], {}
    for each in data[:MAX_ARTIFACTS]:
        artifact: dict[str, Any] = {"name": each.name, "uri": without_credentials(each.uri)[:2048]}
        if each.manifest is not None:
            artifact["manifestUri"] = each.manifest[:2048]
        artifact |= _bytes(each, stored.get(each.uri), notes)
        if each.etag is not None and not str(artifact.get("digest", "")).startswith("etag:"):
            annotations[registry_digest(each.name)] = f"etag:{each.etag}"
        if (format_ := _format(each)) is not None:
            artifact["format"] = format_
        listed.append(artifact)
    return Artifacts(listed, {each.name: each.kind for each in data[:MAX_ARTIFACTS]}, annotations)


def of_head(answer: Json) -> Stored:
    """Return what S3 says of an object. The checksum of a part of an object is none of the object."""
    digest = None
    if answer.get("ChecksumSHA256") and answer.get("ChecksumType") != "COMPOSITE":
        try:
            digest = base64.b64decode(str(answer["ChecksumSHA256"]), validate=True).hex()
        except (binascii.Error, ValueError):
            digest = None
    size = answer.get("ContentLength")
    known = digest if digest is not None and len(digest) == 64 else None
    return Stored(_etag(answer.get("ETag")) or "", known, size if isinstance(size, int) else None)


def _bytes(data: Data, stored: Stored | None, notes: Notes) -> dict[str, Any]:
    """Return digest and size. An object that was replaced after the registration has neither."""
    if data.digest is not None:
        return {"digest": data.digest}
    if stored is not None and data.etag not in (None, stored.etag):
        notes.add(
            f"{without_credentials(data.uri)} was replaced after the registration: its ETag is {stored.etag}, and "
            f"SageMaker has {data.etag}"
        )
        stored = None
    etag = data.etag or (stored.etag if stored is not None else "")
    digest = f"sha256:{stored.sha256}" if stored is not None and stored.sha256 else f"etag:{etag}" if etag else None
    size = stored.size if stored is not None else None
    known = {"digest": digest, "sizeBytes": size}
    return {name: each for name, each in known.items() if each is not None}


def _of_container(container: Json) -> Iterator[Data]:
    name = str(container.get("ContainerHostname") or "model")
    framework = (str(container.get("Framework") or ""), str(container.get("FrameworkVersion") or ""))
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    if source:
        yield _of_source(name, source, container.get("ModelDataETag"), framework)
    elif uri := container.get("ModelDataUrl"):
        yield _of_uri(name, str(uri), container.get("ModelDataETag"), framework)
    for each in container.get("AdditionalModelDataSources") or ():
        yield _of_source(str(each.get("ChannelName") or "additional"), each.get("S3DataSource") or {}, None, ("", ""))
    if uri := (additional := container.get("AdditionalS3DataSource") or {}).get("S3Uri"):
        is_prefix = additional.get("S3DataType") == "S3Prefix"
        yield Data("additional", str(uri), PREFIX if is_prefix else OBJECT, _etag(additional.get("ETag")))


def _of_source(name: str, source: Json, etag: Any, framework: tuple[str, str]) -> Data:
    uri, manifest = str(source.get("S3Uri") or ""), source.get("ManifestS3Uri")
    if manifest:
        return Data(name, uri or str(manifest), MANIFEST, None, None, framework, str(manifest))
    if source.get("S3DataType") == "S3Prefix":
        return Data(name, uri, PREFIX, None, None, framework)
    return _of_uri(name, uri, source.get("ETag") or etag, framework)


def _of_uri(name: str, uri: str, etag: Any, framework: tuple[str, str]) -> Data:
    kind = OTHER if not uri.startswith("s3://") else PREFIX if uri.endswith("/") else OBJECT
    return Data(name, uri, kind, _etag(etag) if kind == OBJECT else None, None, framework)


def _of_image(container: Json) -> Iterator[Data]:
    if image := container.get("Image"):
        yield Data("image", str(image), OTHER, None, sha256_of(container.get("ImageDigest")))


def sha256_of(digest: Any) -> str | None:
    """Return a digest of SageMaker, whose algorithm may be in capitals, as a record has it; None: it is none."""
    text = str(digest or "").lower()
    return text if re.fullmatch("sha256:[0-9a-f]{64}", text) else None


def _etag(value: Any) -> str | None:
    text = str(value or "").strip('"')
    return text if re.fullmatch(DIGEST_PATTERN, f"etag:{text}") else None


def _format(data: Data) -> dict[str, Any] | None:
    name, version = data.framework
    if name:
        return {"name": name.lower()[:63], **({"version": version[:256]} if version else {})}
    suffix = re.search(r"\.[a-z0-9]+$", data.uri.lower())
    found = FORMATS.get(suffix[0]) if suffix is not None else None
    return {"name": found} if found is not None else None


def _named(data: list[Data]) -> Iterator[Data]:
    """Yield each with the name that an artefact can have, and no name twice. The only one is `model`, or `image`."""
    taken: set[str] = set()
    for each in data:
        if not each.uri:
            continue
        plain = re.sub("[^a-z0-9]+", "-", each.name.lower()).strip("-")[:55].strip("-") or "model"
        start = "model" if len(data) == 1 and plain != "image" else plain
        name = next(word for n in range(1, 1000) if (word := start if n == 1 else f"{start}-{n}") not in taken)
        taken.add(name)
        yield Data(name, each.uri, each.kind, each.etag, each.digest, each.framework, each.manifest)
