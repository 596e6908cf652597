"""Artefacts and data sets as a user names them: `[NAME=]PATH_OR_URL[@DIGEST]`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pennant.api.meta import DIGEST_PATTERN, LABEL_PATTERN
from pennant.core.facts.digest import comparable
from pennant.record import dvc, hashing, mlmodel, onnx_model, remote, safetensors
from pennant.record.errors import RegisterError
from pennant.record.hashing import Hashed
from pennant.record.merging import Part
from pennant.record.progress import Meter
from pennant.record.secrecy import without_credentials

_DIGEST = re.compile(f"(?P<where>.+)@(?P<digest>{DIGEST_PATTERN.strip('^$')})")
FORMATS: Mapping[str, str] = {
    ".onnx": "onnx",
    ".safetensors": "safetensors",
    ".skops": "skops",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "joblib",
    ".pt": "pytorch",
    ".pth": "pytorch",
    ".gguf": "gguf",
    ".keras": "keras",
    ".tflite": "tflite",
    ".pmml": "pmml",
}
"""The format of a file by what its name ends in."""
WEAK = ("md5", "sha1", "gitSha1", "crc32c", "xxh128", "mlflow", "etag")


class Strength(StrEnum):
    """What a digest is worth."""

    VERIFIED = "Verified"
    """Computed from the bytes."""
    RECORDED = "Recorded"
    """A strong one that somebody else computed."""
    WEAK = "Weak"
    """One that can be forged, or that is short."""
    NONE = "None"
    """There is no digest."""


@dataclass(frozen=True, slots=True)
class Named:
    """An artefact or a data set, as a user named it."""

    name: str
    where: str
    """A path or a URL."""
    digest: str | None = None

    @property
    def path(self) -> Path | None:
        """The local path; None: it is a URL."""
        parts = urlsplit(self.where)
        if parts.scheme == "file":
            return Path(unquote(parts.path))
        return Path(self.where) if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", self.where) is None else None


def named(word: str, default: str | None = None, pattern: str = LABEL_PATTERN) -> Named:
    """Return what `[NAME=]WHERE[@DIGEST]` names; raises `RegisterError` where there is no name and no default."""
    name, sign, rest = word.partition("=")
    if not sign or re.fullmatch(pattern, name) is None:
        if default is None:
            raise RegisterError(f"{word} has no name; write it as NAME={word}")
        name, rest = default, word
    found = _DIGEST.fullmatch(rest)
    where = found["where"] if found is not None else rest
    if not where:
        raise RegisterError(f"there is no path and no URL in {word!r}")
    return Named(name, where, found["digest"] if found is not None else None)


@dataclass(frozen=True, slots=True)
class Read:
    """What is known of artefacts or data sets."""

    parts: tuple[Part, ...]
    strengths: Mapping[str, Strength]


def read(one: Named, meter: Meter, *, with_header: bool) -> Read:
    """Return the artefact with its digest, and what its header says."""
    fields: dict[str, Any] = {"name": one.name, "uri": uri_of(one)}
    headers: list[Part] = []
    if one.path is not None or one.digest is None:
        hashed = _hashed(one, meter)
        fields |= {"manifestDigest" if hashed.files is not None else "digest": hashed.digest}
        fields |= {"sizeBytes": hashed.size}
        strength = Strength.VERIFIED
    else:
        fields["digest"], strength = one.digest, strength_of(one.digest)
    if one.path is not None and with_header:
        headers = _headers(one.path, one.name)
    if not any("format" in each for part in headers for each in part.spec["artifacts"]):
        format_ = FORMATS.get(Path(urlsplit(one.where).path if one.path is None else one.where).suffix.lower())
        fields |= {"format": {"name": format_}} if format_ is not None else {}
    return Read((Part(one.where, {"artifacts": [fields]}), *headers), {f"artifacts.{one.name}": strength})


def _hashed(one: Named, meter: Meter) -> Hashed:
    hashed = hashing.of_path(one.path, meter) if one.path is not None else remote.of_url(one.where, meter)
    if one.digest is not None and comparable(one.digest) != hashed.digest:
        if not one.digest.startswith("sha256:"):
            raise RegisterError(f"{one.where}: only a sha256 can be compared with the bytes; leave @{one.digest} out")
        raise RegisterError(f"{one.where} has the digest {hashed.digest}, not {one.digest}")
    return hashed


def _headers(path: Path, name: str) -> list[Part]:
    if path.is_dir():
        if (path / mlmodel.FILE).is_file():
            return [mlmodel.read(path, name)]
        models = sorted(path.glob("*.onnx"))
        if len(models) == 1:
            return [onnx_model.read(models[0], name, is_alone=False)]
        tensors = [safetensors.read(each, name) for each in sorted(path.glob("*.safetensors"))]
        return tensors[:1]
    match path.suffix.lower():
        case ".onnx":
            return [onnx_model.read(path, name)]
        case ".safetensors":
            return [safetensors.read(path, name)]
    return []


def uri_of(one: Named) -> str:
    """Return the URI of an artefact or a data set, without credentials."""
    return one.path.resolve().as_uri() if one.path is not None else without_credentials(one.where)


def strength_of(digest: str | None) -> Strength:
    """Return what a digest is worth that was not computed here."""
    if digest is None:
        return Strength.NONE
    return Strength.WEAK if digest.startswith(WEAK) else Strength.RECORDED


def read_dataset(one: Named, role: str, meter: Meter, directory: Path) -> Read:
    """Return a data set: of DVC where it tracks the path, or else with the digest of its bytes."""
    fields: dict[str, Any] = {"name": one.name, "role": role, "uri": uri_of(one)}
    known = dvc.of_file(one.path) if one.path is not None and one.digest is None else None
    if known is not None:
        stored = dvc.dataset(known, one.name, role, dvc.remote_url(directory))
        fields |= stored if "://" in stored["uri"] else {"digest": known.digest}
        strength = Strength.WEAK
    elif one.digest is not None and one.path is None:
        fields["digest"], strength = one.digest, strength_of(one.digest)
    else:
        fields["digest"], strength = _hashed(one, meter).digest, Strength.VERIFIED
    return Read((Part(one.where, {"datasets": [fields]}),), {f"datasets.{one.name}": strength})


def with_uris(items: Sequence[dict[str, Any]], uris: Mapping[str, str], words: Mapping[str, str]) -> None:
    """Set the URIs of artefacts and data sets; `{model}`, `{version}` and `{sha256}` are replaced.

    Of two with the same name, the first one gets the URI.
    """
    by_name = {each["name"]: each for each in reversed(items)}
    for name, uri in uris.items():
        if (item := by_name.get(name)) is None:
            raise RegisterError(
                f"--uri names {name}; there are {', '.join(dict.fromkeys(one['name'] for one in items))}"
            )
        digest = str(item.get("digest") or item.get("manifestDigest") or "")
        item["uri"] = _filled(uri, {**words, "sha256": digest.removeprefix("sha256:")})


def _filled(uri: str, words: Mapping[str, str]) -> str:
    def word(found: re.Match[str]) -> str:
        if found[1] not in words:
            known = ", ".join(f"{{{each}}}" for each in words)
            raise RegisterError(f"{uri}: there is no {found[0]}; there are {known}")
        return words[found[1]]

    return re.sub(r"\{(\w+)\}", word, uri)
