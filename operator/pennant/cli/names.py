"""Names of ModelDeployments: as users type them, as files give them, and the nearest ones to a wrong name."""

import difflib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pennant.api import API_VERSION, GROUP
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions, Selectors

if TYPE_CHECKING:
    from pennant.core.facts.observation import Key

KINDS = frozenset(
    {"modeldeployment", "modeldeployments", "mdep", f"modeldeployments.{GROUP}", f"modeldeployment.{GROUP}"}
)
RESOURCE = f"modeldeployment.{GROUP}"
STDIN = "standard input"
SUFFIXES = (".yaml", ".yml", ".json")
"""What the names of manifest files end in, of those in a directory."""


def parsed(words: Sequence[str]) -> tuple[str, ...]:
    """Return the names in what a user typed: `fraud`, `mdep/fraud`, or a kind followed by names.

    Raises `CliError` for another kind.
    """
    found = list(words)
    if len(found) > 1 and found[0].lower() in KINDS:
        found = found[1:]
    return tuple(_name(word) for word in found)


def _name(word: str) -> str:
    kind, slash, name = word.rpartition("/")
    if slash and kind.lower() not in KINDS:
        raise CliError(f"{word} is not a ModelDeployment; name it as NAME, mdep/NAME or modeldeployment/NAME")
    if not name:
        raise CliError("there is no name after the /; name a ModelDeployment as NAME or mdep/NAME")
    return valid(name)


def valid(name: str, what: str = "name") -> str:
    """Return the name of an object, a namespace or a model; raises `CliError` where no object can have it."""
    from pennant.api.meta import SUBDOMAIN_PATTERN

    if re.fullmatch(SUBDOMAIN_PATTERN, name) is None:
        shown = json.dumps(name[:80])
        raise CliError(f"invalid {what} {shown}: it must be lower-case letters, digits, dots and dashes")
    return name


def from_files(filenames: Iterable[str], namespace: str) -> "tuple[Key, ...]":
    """Return the ModelDeployments of manifest files; `-` is standard input, a directory all of its manifests."""
    return tuple(key for filename in filenames for key in _in_file(filename, namespace))


def _in_file(filename: str, namespace: str) -> "Iterator[Key]":
    import yaml

    from pennant.core.facts.observation import Key

    for path in manifest_paths(filename):
        try:
            documents = list(yaml.safe_load_all(manifest_text(path)))
        except UnicodeDecodeError as error:
            raise CliError(f"{path} is no text in UTF-8: {error.reason}") from error
        except OSError as error:
            raise CliError(f"{path} cannot be read: {error.strerror}") from error
        except yaml.YAMLError as error:
            raise CliError(f"{path} is no YAML: {error}") from error
        for each in documents:
            if isinstance(each, dict) and each.get("kind") == "ModelDeployment":
                metadata = each.get("metadata") or {}
                yield Key(str(metadata.get("namespace") or namespace), str(metadata.get("name") or ""))


def manifest_paths(filename: str) -> list[str]:
    """Return the manifest files that a `-f` argument means; `STDIN` stands for standard input."""
    if filename == "-":
        return [STDIN]
    path = Path(filename)
    if not path.exists():
        raise CliError(f"the path {filename} does not exist")
    files = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES) if path.is_dir() else [path]
    return [str(each) for each in files]


def manifest_text(path: str) -> str:
    """Return the text of a manifest file; raises `UnicodeDecodeError` or `OSError` where it cannot be read."""
    return sys.stdin.read() if path == STDIN else Path(path).read_text(encoding="utf-8")


def not_found(name: str, namespace: str, known: Iterable[str]) -> CliError:
    """Return the error for a name that does not exist, with the nearest names that do."""
    hint = (
        hinted(name, sorted(known)) or f"The namespace {namespace} has no ModelDeployment; choose another one with -n"
    )
    return CliError(f'modeldeployments.{GROUP} "{name}" not found in namespace {namespace}. {hint}')


def hinted(name: str, known: Sequence[str], near: Sequence[str] = (), cutoff: float = 0.5) -> str:
    """Return the names that a user may have meant by one that does not exist, or the first five; empty: none is known.

    `near` are those that were meant for sure; without them, they are found by their letters.
    """
    if not known:
        return ""
    if close := near or difflib.get_close_matches(name, known, n=3, cutoff=cutoff):
        return f"Did you mean {' or '.join(close)}?"
    return f"There are: {', '.join(known[:5])}{', ...' if len(known) > 5 else ''}"


def plain(words: Sequence[str]) -> tuple[str, ...]:
    """Return the names in words that may be incomplete or wrong, for completion."""
    return tuple(word.rpartition("/")[2] for word in words if word.lower() not in KINDS)


def contexts(params: Mapping[str, Any]) -> list[str]:
    """Return the contexts of the kubeconfig that a command line names, or of the usual one."""
    if (said := _kubectl(params, "config", "get-contexts", "--output=name")) is not None:
        return said.split()
    from pennant.kube.http.connection import contexts

    return contexts(params.get("kubeconfig"))


def listed(params: Mapping[str, Any], plural: str, seconds: float) -> list[Mapping[str, Any]]:
    """Return objects of the namespace of a command line, for completion, within some seconds.

    A plural without a group is one of this API, or `namespaces`.

    kubectl reads them if it is installed: it starts in a tenth of the time that the imports of our own client take.
    """
    kind = plural if plural == "namespaces" or "." in plural else f"{plural}.{GROUP}"
    if (said := _kubectl(params, "get", kind, "--output=json", f"--request-timeout={seconds}s")) is not None:
        return list(json.loads(said)["items"])
    return _listed(params, plural, seconds)


def _kubectl(params: Mapping[str, Any], *arguments: str) -> str | None:
    """Return what kubectl prints with the options of a command line; None: there is no kubectl.

    Raises `CalledProcessError` where it fails.
    """
    if (program := shutil.which("kubectl")) is None:
        return None
    given = [f"--{name}={params[name]}" for name in ("kubeconfig", "context", "namespace") if params.get(name)]
    done = subprocess.run(
        [program, *arguments, *given],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return done.stdout


def _listed(params: Mapping[str, Any], plural: str, seconds: float) -> list[Mapping[str, Any]]:
    import asyncio

    from pennant.kube.http.client import ApiVerb, Client
    from pennant.kube.http.connection import Connection
    from pennant.kube.http.resources import RESOURCES, Kind, Resource

    async def asked() -> list[Mapping[str, Any]]:
        connection = Connection(params.get("kubeconfig"), params.get("context"))
        namespace = params.get("namespace") or connection.namespace or "default"
        is_namespaced = plural != "namespaces"
        others = (each for each in RESOURCES.values() if each.full_name == plural)
        resource = next(others, Resource(API_VERSION if is_namespaced else "v1", plural))
        path = resource.path(namespace if is_namespaced else "")
        async with Client(connection, total_seconds=seconds) as client:
            found = await client.request(ApiVerb.LIST, Kind.MODEL_DEPLOYMENT, path, params={"limit": "500"})
        return list(found.get("items") or ())

    return asyncio.run(asked())


def words_about(plural: str, item: Mapping[str, Any]) -> str:
    """Return a few words about an object, which a shell shows beside its name."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    if plural == "modelversions":
        return ", ".join(str(each) for each in spec.get("tags") or ())
    serving = (status.get("serving") or {}).get("version", "")
    return f"serves {serving}" if serving else ""


def require_some(selectors: Selectors, cluster: ClusterOptions) -> None:
    """Raise `CliError` where a user named no ModelDeployment in any way, or in two ways at once."""
    several = selectors.selector is not None or selectors.all_namespaces
    ways = [bool(selectors.names), several, bool(selectors.filenames)]
    if not any(ways):
        raise CliError("required resource not specified; name a ModelDeployment, or use -l or -f")
    if sum(ways) > 1:
        raise CliError("give names, -l or -A, or -f, not several of them")
