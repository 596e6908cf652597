"""What the job that made a version says: its inputs, code, environment and times.

Values of environment variables are never read into the record, because they are where programs get their secrets.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from pennant.api.meta import COMMIT_PATTERN, Json
from pennant.record.secrecy import without_credentials
from pennant.registries import flat
from pennant.registries.fields import mapping
from pennant.registries.mlflow.measured import MAX_DATASETS, ROLES
from pennant.registries.notes import Notes
from pennant.registries.requirements import environment as of_requirements

REPOSITORY = ("mlflow.source.git.repoURL", "azureml.git.repository_uri")
COMMIT = ("mlflow.source.git.commit", "azureml.git.commit")
DIRTY = "azureml.git.dirty"
MODELS = frozenset({"mlflow_model", "custom_model", "triton_model"})
"""Kinds of inputs that are models."""
_ASSET = re.compile(r"(?:.*/)?(?:data|models)/([^/]+)/versions/([^/]+)/?|azureml:([^/:]+):([^/:]+)")
_CONDA = re.compile(r"([A-Za-z0-9][\w.-]*)={1,2}([^=<>!*\s]+)(?:=[^=\s]+)?")


def parameters(job: Json, notes: Notes) -> dict[str, str]:
    """Return the parameters of a job: those that it has itself, and the inputs that are values."""
    literals = {name: each.get("value") for name, each in _inputs(job) if each.get("jobInputType") == "literal"}
    return flat.parameters(job.get("parameters"), notes) | flat.plain(literals, notes)


def _inputs(job: Json) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, each in mapping(job.get("inputs")).items():
        yield str(name), mapping(each)


def base_model(job: Json, notes: Notes) -> dict[str, Any]:
    """Return the first model among the inputs of a job."""
    for name, each in _inputs(job):
        if each.get("jobInputType") in MODELS and each.get("uri"):
            uri = without_credentials(str(each["uri"]))
            asset, revision = asset_of(uri)
            found = {"name": notes.line(asset or name, 253, "the name of the base model"), "uri": uri[:2048]}
            return found | ({"revision": revision[:256]} if revision else {})
    return {}


def datasets(version: Json, job: Json, logged: list[dict[str, Any]], notes: Notes) -> list[dict[str, Any]]:
    """Return the data sets of the run, of the version, and of the inputs of the job, each name once.

    An input of the job that made the version is training data, unless the first word of its name says otherwise.
    """
    found = {str(each["name"]): each for each in logged}
    for each in (*_referenced(version), *_read(job)):
        name = notes.line(each["name"], 253, "the name of a data set")
        if len(found) == MAX_DATASETS and name not in found:
            notes.add(f"the record has the first {MAX_DATASETS} data sets")
            break
        found.setdefault(name, {**each, "name": name})
    return list(found.values())


def _read(job: Json) -> Iterator[dict[str, Any]]:
    for name, each in _inputs(job):
        if each.get("uri") and each.get("jobInputType") not in MODELS:
            yield _dataset(name, str(each["uri"]), _role(name, "Training"))


def _referenced(version: Json) -> Iterator[dict[str, Any]]:
    """Yield the data sets that were registered with the version; each has its use as its name."""
    listed = version.get("datasets")
    for each in map(mapping, listed if isinstance(listed, list) else ()):
        if each.get("id") or each.get("name"):
            uri, use = str(each.get("id") or ""), str(each.get("name") or "")
            yield _dataset(asset_of(uri)[0] or use or uri, uri, _role(use, "Reference"))


def _dataset(name: str, uri: str, role: str) -> dict[str, Any]:
    plain = without_credentials(uri)
    version = asset_of(plain)[1]
    return {
        "name": name,
        "role": role,
        **({"uri": plain[:2048]} if plain else {}),
        **({"version": version[:256]} if version else {}),
    }


def _role(name: str, otherwise: str) -> str:
    return ROLES.get(re.split(r"[^a-z]", name.lower(), maxsplit=1)[0], otherwise)


def asset_of(uri: str) -> tuple[str, str]:
    """Return the name and the version of an asset, such as `azureml:churn:3`; empty: it is none."""
    found = _ASSET.fullmatch(uri)
    return (found[1] or found[3], found[2] or found[4]) if found is not None else ("", "")


def code(properties: Mapping[str, Any], repository: str | None, notes: Notes) -> dict[str, Any]:
    """Return the commit in the properties of a job, a run or a version."""
    commit = next((str(properties[each]) for each in COMMIT if properties.get(each)), None)
    where = next((str(properties[each]) for each in REPOSITORY if properties.get(each)), repository)
    if commit is None:
        return {}
    if re.fullmatch(COMMIT_PATTERN, commit) is None:
        notes.add(f"the property {COMMIT[0]} is {commit!r}, which is no hash of a commit")
        return {}
    if where is None:
        notes.add(
            f"the code is at commit {commit}, and no property says in which repository; give it with --repository"
        )
        return {}
    found: dict[str, Any] = {"repository": without_credentials(where)[:2048], "commit": commit}
    if (dirty := str(properties.get(DIRTY, "")).lower()) in ("true", "false"):
        found["dirty"] = dirty == "true"
    return found


def environment(known: Json, name: str, notes: Notes) -> dict[str, Any]:
    """Return what an environment of Azure ML says: its image, and the libraries of its conda file.

    The conda file is a lock file only if each library has one version.
    """
    found: dict[str, Any] = {}
    if image := known.get("image"):
        found["image"] = str(image)[:2048]
        if (digest := re.fullmatch(r"[^@]+@(sha256:[a-f0-9]{64})", str(image))) is not None:
            found["imageDigest"] = digest[1]
    text = known.get("condaFile")
    if not isinstance(text, str) or not text.strip():
        return found
    try:
        listed = mapping(yaml.safe_load(text)).get("dependencies")
        lines = list(_lines(listed if isinstance(listed, list) else []))
    except (yaml.YAMLError, ValueError, RecursionError):
        notes.add(f"the conda file of the environment {name} is no YAML that can be read")
        return found
    python = next((line.removeprefix("python==") for line in lines if line.startswith("python==")), None)
    if python is not None:
        found |= {"language": "Python", "languageVersion": python[:63]}
    libraries = of_requirements("\n".join(lines).encode(), f"{name}/condaFile", notes, "the conda file")
    if "lockDigest" in libraries:
        libraries["lockDigest"] = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return found | libraries


def _lines(listed: list[Any]) -> Iterator[str]:
    """Yield the dependencies of a conda file as lines of a `requirements.txt`."""
    for each in listed:
        if isinstance(each, Mapping):
            inner = each.get("pip")
            yield from map(str, inner if isinstance(inner, list) else ())
        elif (pin := _CONDA.fullmatch(str(each).strip())) is not None:
            yield f"{pin[1]}=={pin[2]}"
        else:
            yield str(each)


def environment_of(job: Json) -> tuple[str, str] | None:
    """Return the name and the version of the environment of a job; None: it names none of this workspace."""
    found = re.fullmatch(
        r"(?:.*/workspaces/[^/]+/)?environments/([^/]+)/versions/([^/]+)/?", str(job.get("environmentId"))
    )
    return (found[1], found[2]) if found is not None else None
