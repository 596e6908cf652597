"""Makes the manifest of a ModelVersion from the fields of its spec, checks it, and writes it as YAML.

All that makes records uses this: `pennant register`, and importers of registries.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pennant.api import API_VERSION
from pennant.api.meta import SUBDOMAIN_PATTERN, Json, printable
from pennant.api.model_version import ModelVersionSpec
from pennant.core.versions.completeness import Element, missing
from pennant.kube.codec.validation_message import LARGEST_RECORD, problem, too_deep, too_large
from pennant.record import written
from pennant.record.errors import RegisterError

LONGEST_NAME = 63
"""Characters of `<model>-<version>`."""
WIDTH = 116
_ELEMENT_FIELDS: Mapping[Element, str] = {
    Element.ARTIFACTS: "artifacts",
    Element.TRAINING_DATA: "datasets",
    Element.HYPERPARAMETERS: "hyperparameters",
    Element.CODE: "code",
    Element.METRICS: "metrics",
    Element.CREATED_AT: "createdAt",
    Element.AUTHOR: "author",
    Element.REASON: "reason",
    Element.ENVIRONMENT: "environment",
}
_FIELDS = tuple(each.alias or name for name, each in ModelVersionSpec.model_fields.items())


def model_version(spec: Json, namespace: str | None = None, annotations: Mapping[str, str] | None = None) -> Json:
    """Return the manifest of a ModelVersion with this spec; raises `RegisterError` where a field is wrong."""
    try:
        record = ModelVersionSpec.model_validate(spec)
    except ValidationError as error:
        raise RegisterError(problem(error)) from error
    # Only fields that are set, each as the API server stores it: times in UTC, numbers as text with all digits.
    stored = record.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    if (wrong := too_deep(stored) or too_large(stored, LARGEST_RECORD)) is not None:
        raise RegisterError(wrong)
    name = f"{record.model}-{record.version}"
    if len(name) > LONGEST_NAME or re.fullmatch(SUBDOMAIN_PATTERN, name) is None:
        raise RegisterError(
            f"metadata.name would be {name}: it must have at most {LONGEST_NAME} lower-case letters, digits, dots and "
            "dashes. Choose a shorter model or version"
        )
    metadata: dict[str, Any] = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    if annotations:
        metadata["annotations"] = dict(annotations)
    ordered = {field: stored[field] for field in _FIELDS if field in stored}
    return {"apiVersion": API_VERSION, "kind": "ModelVersion", "metadata": metadata, "spec": ordered}


def text(manifest: Json, notes: Sequence[str] = (), hints: Mapping[Element, str] | None = None) -> str:
    """Return a manifest as YAML: the notes first, and a comment in the place of each element that is missing.

    `hints` says what gives a missing element, such as `--reason TEXT`.
    """
    lines = [f"# {each}" for note in notes for each in printable(note).split("\n")]
    lines += written.lines({name: each for name, each in manifest.items() if name != "spec"}, WIDTH)
    lines.append("spec:")
    comments = _comments(manifest, hints or {})
    for field in _FIELDS:
        if field in manifest["spec"]:
            one = {field: manifest["spec"][field]}
            lines += [f"  {line}" if line else "" for line in written.lines(one, WIDTH)]
        lines += comments.get(field, ())
    return "\n".join(lines) + "\n"


def _comments(manifest: Json, hints: Mapping[Element, str]) -> Mapping[str, list[str]]:
    lacking = missing(ModelVersionSpec.model_validate(manifest["spec"]))
    return {
        _ELEMENT_FIELDS[each]: [f"  # incomplete: {each}" + (f"; {hints[each]}" if each in hints else "")]
        for each in lacking
    }
