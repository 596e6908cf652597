"""Where the model of a pod template is, as its variables, arguments and volumes say.

A place that is only the server's own copy, such as a file in an `emptyDir`, is no address of the model: it is skipped.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from pennant.api.meta import Json
from pennant.cli.adoption.objects import items, mapping
from pennant.cli.adoption.workload import Artifact

SCHEMES = "s3|gs|hf|azure|abfss?|wasbs?|dbfs|hdfs|models|runs|mlflow-artifacts|oci|pvc|file"
STORE = re.compile(rf"(?:{SCHEMES}):/[^\s\"',;]+")
"""An address in a store of models."""
WEB = re.compile(r"https?://[^\s\"',;]+")
FILE = re.compile(
    r"https?://[^\s\"',;]+\.(?:onnx|gguf|bin|mar|pt|pth|pkl|joblib|safetensors|ubj|zip|tgz|tar(?:\.gz)?)\b"
)
"""An address of a file of a model: others on the web may be those of any server."""
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
"""A repository of Hugging Face, such as `mistralai/Mistral-7B-Instruct-v0.3`."""
COMMIT = re.compile("[0-9a-f]{40}")
COMMIT_DIGEST = "gitSha1:"
FLAGS = frozenset(
    {
        *("--model", "--model-id", "--model-uri", "--model-path", "--model-dir", "--model-repository", "--model-store"),
        *("--models", "--model-name-or-path", "--model-base-path", "--model-url", "--storage-uri", "-m"),
    }
)
"""Arguments whose value is the model, with dashes: many servers write them with underscores."""
VARIABLE = re.compile(r"(?:.*_)?(?:MODEL|STORAGE)_(?:URI|URL|ID|PATH|NAME_OR_PATH|REPO|REPOSITORY|DIR)")
CONTAINERS, INIT_CONTAINERS = "containers", "initContainers"


def found_in(template: Json) -> list[Artifact]:
    """Return each place that the pod template names, the surest first; empty: it names none."""
    pod = mapping(template, "spec")
    searches: tuple[Callable[[Json], Iterator[Artifact]], ...] = (_variables, _flags, _positional, _fetched, _claims)
    found: dict[str, Artifact] = {}
    for search in searches:
        for each in search(pod):
            found.setdefault(each.uri, each)
    return list(found.values())


def _all(pod: Json) -> Iterator[tuple[Json, str]]:
    for field, word in ((CONTAINERS, "container"), (INIT_CONTAINERS, "init container")):
        for each in items(pod, field):
            yield each, f"{word} {each.get('name')}"


def _words(container: Json) -> list[str]:
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    return [each for each in words if isinstance(each, str)]


def _variables(pod: Json) -> Iterator[Artifact]:
    for container, said in _all(pod):
        for each in items(container, "env"):
            name, value = str(each.get("name")), each.get("value")
            if VARIABLE.fullmatch(name) and isinstance(value, str) and (uri := _address(value, container, pod)):
                yield _artifact(uri, f"the variable {name} of {said}", container)


def _flags(pod: Json) -> Iterator[Artifact]:
    for container, said in _all(pod):
        words = _words(container)
        for number, word in enumerate(words):
            flag, sign, value = word.partition("=")
            if flag.replace("_", "-") not in FLAGS:
                continue
            given = value if sign else next(iter(words[number + 1 :]), "")
            if uri := _address(given, container, pod):
                yield _artifact(uri, f"the argument {flag} of {said}", container)


def _positional(pod: Json) -> Iterator[Artifact]:
    """Yield the repository after `vllm serve` and the like, which has no flag."""
    for container, said in _all(pod):
        words = _words(container)
        for before, word in pairwise(words):
            if before in ("serve", "api_server") and REPOSITORY.fullmatch(word):
                yield _artifact(word, f"the argument after {before} of {said}", container)


def _fetched(pod: Json) -> Iterator[Artifact]:
    """Yield addresses in any argument or variable: an init container fetches what it names."""
    for field, pattern, word in ((INIT_CONTAINERS, WEB, "init container"), (CONTAINERS, FILE, "container")):
        for each in items(pod, field):
            texts = [*_words(each), *(str(one.get("value") or "") for one in items(each, "env"))]
            for text in texts:
                for address in (*STORE.findall(text), *pattern.findall(text)):
                    if "$(" not in address and "${" not in address:
                        yield _artifact(address, f"an argument or a variable of {word} {each.get('name')}", each)


def _claims(pod: Json) -> Iterator[Artifact]:
    """Yield the claim with models that a container mounts, if there is one: another may be a cache."""
    volumes = _volumes(pod)
    for container in items(pod, CONTAINERS):
        known = [each for each in items(container, "volumeMounts") if each.get("name") in volumes]
        mounts = [
            each for each in known if "model" in f"{each['name']} {each.get('mountPath')} {volumes[each['name']]}"
        ]
        if len(mounts) == 1:
            claim, below = volumes[mounts[0]["name"]], mounts[0].get("subPath")
            uri = f"pvc://{claim}{f'/{below}' if below else ''}"
            yield _artifact(uri, f"the volume {mounts[0]['name']} of container {container.get('name')}", container)


def _volumes(pod: Json) -> dict[str, str]:
    named = (
        (each.get("name"), mapping(each, "persistentVolumeClaim").get("claimName")) for each in items(pod, "volumes")
    )
    return {str(name): str(claim) for name, claim in named if claim}


def _address(value: str, container: Json, pod: Json) -> str:
    """Return the address in the value of a flag or a variable; empty: it is none.

    A path is one only if it is on a volume that outlives the pod.
    """
    if "$(" in value or "${" in value:
        return ""
    if (known := STORE.search(value) or WEB.search(value)) is not None:
        return known[0]
    if REPOSITORY.fullmatch(value):
        return value
    return _on_claim(value, container, pod) if value.startswith("/") else ""


def _on_claim(path: str, container: Json, pod: Json) -> str:
    volumes = _volumes(pod)
    for mount in items(container, "volumeMounts"):
        place = str(mount.get("mountPath", "")).rstrip("/")
        if mount.get("name") in volumes and (path == place or path.startswith(f"{place}/")):
            parts = [str(mount.get("subPath") or ""), path[len(place) :].strip("/")]
            return "/".join([f"pvc://{volumes[mount['name']]}", *filter(None, parts)])
    return ""


def _artifact(uri: str, why: str, container: Json) -> Artifact:
    """Return the artefact, with the commit of a repository as its digest if an argument has it."""
    commit = ""
    if REPOSITORY.fullmatch(uri):
        words = " ".join(_words(container)).replace("=", " ").split()
        after = (b for a, b in pairwise(words) if a == "--revision")
        commit = next((each for each in after if COMMIT.fullmatch(each)), "")
    return Artifact(uri, why, str(container.get("name")), f"{COMMIT_DIGEST}{commit}" if commit else "")
