"""The objects that an adoption reads, whether they come from a cluster or from files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pennant.api.meta import Json
from pennant.cli.errors import CliError
from pennant.cli.manifests.checks import without_nulls
from pennant.cli.manifests.documents import Unparsed, documents
from pennant.kube.http.resources import RESOURCES, Kind


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects, and whether they are those of a cluster, so that one which is not here does not exist."""

    items: tuple[Json, ...]
    is_live: bool
    unread: tuple[str, ...] = ()
    """What could not be read, each as a sentence."""

    def all_of(self, kind: Kind) -> Iterator[Json]:
        """Yield the objects of a kind, of whatever version of its API."""
        group = RESOURCES[kind].group
        for each in self.items:
            if each.get("kind") == kind and str(each.get("apiVersion", "")).rpartition("/")[0] == group:
                yield each

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Json | None:
        """Return the object of this kind and name; None: it is not here. None as the namespace stands for any."""
        for each in self.all_of(kind):
            if name_of(each) == name and (namespace is None or namespace_of(each) in (None, namespace)):
                return each
        return None


def metadata(raw: Json) -> Json:
    """Return the metadata of an object."""
    found = raw.get("metadata")
    return found if isinstance(found, dict) else {}


def name_of(raw: Json) -> str:
    """Return the name of an object."""
    return str(metadata(raw).get("name") or "")


def namespace_of(raw: Json) -> str | None:
    """Return the namespace of an object; None: its manifest does not say."""
    return metadata(raw).get("namespace") or None


def controller_of(raw: Json) -> Json | None:
    """Return the owner reference of the controller of an object; None: it has none."""
    return next((each for each in metadata(raw).get("ownerReferences") or () if each.get("controller")), None)


def mapping(value: Json, *path: str) -> Json:
    """Return the object at a path of fields; an empty one where there is none."""
    for name in path:
        found = value.get(name)
        value = found if isinstance(found, dict) else {}
    return value


def items(value: Json, name: str) -> list[Json]:
    """Return the objects in the list of this field; an empty list where there is none."""
    found = value.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def from_files(files: Iterable[tuple[str, str]]) -> Objects:
    """Return the objects of manifest files, given as paths and texts; raises `CliError` where one is no YAML."""
    found: list[Json] = []
    for path, text in files:
        for document in documents(text, path):
            if isinstance(document, Unparsed):
                raise CliError(f"{path}:{document.mark.line}: {document.message}")
            for each in document.items():
                if isinstance(value := without_nulls(each.value), dict):
                    found.append(value)
    return Objects(tuple(found), is_live=False)
