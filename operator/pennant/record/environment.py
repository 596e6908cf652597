"""The environment's lock file: its digest, and the versions of the machine-learning libraries in it."""

import hashlib
import platform
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any

from pennant.record.errors import RegisterError
from pennant.record.merging import Part
from pennant.record.texts import parsed, text_of

LOCKS = (
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock.toml",
    "Pipfile.lock",
    "conda-lock.yml",
    "requirements.lock",
)
"""Names of lock files that are looked for if none is named."""
LIBRARIES = frozenset(
    {
        *("accelerate", "catboost", "datasets", "diffusers", "flax", "jax", "jaxlib", "joblib", "keras"),
        *("lightgbm", "mlflow", "numpy", "onnx", "onnxruntime", "pandas", "peft", "polars", "prophet"),
        *("pyspark", "sentence-transformers", "scikit-learn", "scipy", "skl2onnx", "skops", "spacy"),
        *("statsmodels", "tensorflow", "tokenizers", "torch", "torchaudio", "torchvision", "transformers"),
        *("tritonclient", "vllm", "xgboost"),
    }
)
"""Libraries whose versions a record names. The digest of the lock file covers all others."""
_PINNED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?\s*={2,3}\s*(?P<version>[^\s;,\\#]+)")
_CONDA = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)={1,2}(?P<version>[^=\s]+)(=[^=\s]+)?")


def found_in(directory: Path) -> list[Path]:
    """Return the lock files of a directory, by their names."""
    return [directory / each for each in LOCKS if (directory / each).is_file()]


def read(path: Path, root: Path | None) -> Part:
    """Return digest and libraries of a lock file; its URI is the path in the checkout, or the name of the file."""
    text_of(path)
    return of_content(path, path.read_bytes(), _shown(path, root))


def of_content(path: PurePath, content: bytes, uri: str) -> Part:
    """Return digest and libraries of the content of a lock file; raises `RegisterError` where it cannot be read."""
    try:
        pins, loose = _pins(path, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RegisterError(f"{path} is no text in UTF-8: {error.reason}") from error
    lock = {
        "lockUri": uri,
        "lockDigest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "frameworks": _frameworks(pins),
    }
    warnings = []
    if loose:
        warnings.append(f"{path} has no exact version of {', '.join(loose[:5])}, so it does not pin the environment")
    if not pins:
        warnings.append(f"{path} names no library with its version; only its digest is recorded")
    spec = {"environment": {name: each for name, each in lock.items() if each}}
    return Part(path.name, spec, tuple(warnings))


def running() -> Part:
    """Return the Python that runs this code, and the versions of the libraries that it can import."""
    installed = {normal(str(each.metadata["Name"])): each.version for each in metadata.distributions()}
    environment: dict[str, Any] = {"language": "Python", "languageVersion": platform.python_version()}
    if frameworks := _frameworks(installed):
        environment["frameworks"] = frameworks
    return Part("the running Python", {"environment": environment})


def normal(name: str) -> str:
    """Return the name of a package as indexes compare it: in small letters, with dashes."""
    return re.sub("[-_.]+", "-", name).lower()


def _frameworks(pins: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "version": pins[name]} for name in sorted(LIBRARIES & pins.keys())]


def _shown(path: Path, root: Path | None) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix() if root is not None else path.name
    except ValueError:
        return path.name


def _pins(path: PurePath, text: str) -> tuple[dict[str, str], list[str]]:
    """Return the versions by package, and the packages without an exact one."""
    name = path.name
    if name == "Pipfile.lock":
        listed = parsed(text, ".json", str(path))
        sections = [listed.get(each) for each in ("default", "develop")] if isinstance(listed, dict) else []
        pairs = [(key, each) for section in sections if isinstance(section, dict) for key, each in section.items()]
        return {normal(key): str(each["version"]).lstrip("=") for key, each in pairs if _has_version(each)}, []
    if path.suffix in (".lock", ".toml") and re.search(r"^\[\[packages?\]\]", text, re.MULTILINE):
        value = parsed(text, ".toml", str(path))
        packages = value.get("package") or value.get("packages")
        return _named(packages), []
    if path.suffix in (".yml", ".yaml"):
        return _conda(parsed(text, ".yaml", str(path)), path)
    return _requirements(text)


def _has_version(each: Any) -> bool:
    return isinstance(each, dict) and isinstance(each.get("version"), str)


def _named(packages: Any) -> dict[str, str]:
    """Return versions of a list of packages. Of a package with several versions, one for each platform, none counts."""
    found: dict[str, set[str]] = {}
    for each in packages if isinstance(packages, list) else ():
        if _has_version(each) and isinstance(each.get("name"), str):
            found.setdefault(normal(each["name"]), set()).add(each["version"])
    return {name: versions.pop() for name, versions in found.items() if len(versions) == 1}


def _conda(value: Any, path: PurePath) -> tuple[dict[str, str], list[str]]:
    """Return the pins of a conda-lock file, or of an exported environment."""
    if not isinstance(value, dict):
        raise RegisterError(f"{path} is no lock file of conda")
    if isinstance(value.get("package"), list):
        return _named(value["package"]), []
    found, loose = dict[str, str](), list[str]()
    for each in value.get("dependencies") or ():
        if isinstance(each, dict):
            pins, more = _requirements("\n".join(map(str, each.get("pip") or ())))
            found, loose = found | pins, loose + more
        elif (pin := _CONDA.fullmatch(str(each).strip())) is not None:
            found[normal(pin["name"])] = pin["version"]
        else:
            loose.append(str(each))
    return found, loose


def _requirements(text: str) -> tuple[dict[str, str], list[str]]:
    found: dict[str, set[str]] = {}
    loose = []
    for line in _lines(text):
        if (pin := _PINNED.match(line)) is not None:
            found.setdefault(normal(pin["name"]), set()).add(pin["version"])
        elif " @ " not in line and not line.startswith(("-", "@")) and "://" not in line:
            loose.append(re.split(r"[<>=!~;\s\[]", line)[0])
    return {name: versions.pop() for name, versions in found.items() if len(versions) == 1}, loose


def _lines(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        if (bare := line.partition(" #")[0].strip()) and not bare.startswith("#"):
            yield bare
