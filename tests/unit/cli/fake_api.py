"""An API server in memory, in a thread, for verbs that are run whole: gets, lists, creations, and patches with
preconditions."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from unit.http_server import serving

Json = dict[str, Any]
Answer = tuple[int, str]
_PATH = re.compile(
    r"/apis?(?:/(?P<group>[a-z0-9.]+))?/v[12][a-z0-9]*(?:/namespaces/(?P<ns>[^/]+))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/status)?"
)


class FakeApi:
    """Objects by plural, namespace and name."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Json] = {}
        self.patches: list[tuple[str, Json, bool]] = []
        """Names, bodies, and whether each was a dry run."""
        self.before_patch: Callable[[str, Json], Answer | None] = lambda _name, _body: None
        """Called before each patch; an answer is given instead of it."""
        self.before_create: Callable[[str, Json], Answer | None] = lambda _name, _body: None
        """Called before each create; an answer is given instead of it."""
        self.created: list[tuple[str, bool]] = []
        """Names of all creates, and whether each was a dry run."""
        self.made: list[str] = []
        """Plurals and names of the objects that were created, as in `modelversions/fraud-1.0.0`."""
        self.forbidden: set[str] = set()
        self.after_list: Callable[[str], None] = lambda _plural: None
        self._serial = 100

    def add(self, plural: str, *raws: Mapping[str, Any]) -> None:
        for raw in raws:
            metadata = raw["metadata"]
            self.objects[plural, metadata["namespace"], metadata["name"]] = dict(raw)

    def touch(self, plural: str, name: str, namespace: str = "default", **spec: Any) -> None:
        """Change an object as somebody else does."""
        self._serial += 1
        raw = self.objects[plural, namespace, name]
        metadata = {**raw["metadata"], "resourceVersion": str(self._serial)}
        self.objects[plural, namespace, name] = {**raw, "metadata": metadata, "spec": {**raw["spec"], **spec}}

    def tags(self, name: str, namespace: str = "default") -> list[str]:
        tags: list[str] = self.objects["modelversions", namespace, name]["spec"].get("tags", [])
        return tags

    def get(self, plural: str, namespace: str, name: str) -> tuple[int, Json]:
        found = self.objects.get((plural, namespace, name))
        return (200, found) if found is not None else (404, _status(404, f'{plural} "{name}" not found'))

    def list(self, plural: str, namespace: str | None, query: dict[str, list[str]]) -> tuple[int, Json]:
        wanted = [(False, each) for each in query.get("labelSelector", [""])[0].split(",") if each]
        wanted += [(True, each) for each in query.get("fieldSelector", [""])[0].split(",") if each]
        items = [
            raw
            for (kind, where, _), raw in sorted(self.objects.items())
            if kind == plural and namespace in (None, where) and all(_matches(raw, *each) for each in wanted)
        ]
        self.after_list(plural)
        return 200, {"metadata": {"resourceVersion": "1"}, "items": items}

    def patch(self, plural: str, namespace: str, name: str, body: Json, is_dry: bool) -> tuple[int, Json]:
        self.patches.append((name, body, is_dry))
        if (answer := self.before_patch(name, body)) is not None:
            return answer[0], _status(*answer)
        code, raw = self.get(plural, namespace, name)
        if code != 200:
            return code, raw
        metadata = body.get("metadata", {})
        for field in ("uid", "resourceVersion"):
            if metadata.get(field, raw["metadata"][field]) != raw["metadata"][field]:
                return 409, _status(409, f"Precondition failed: {field}")
        if is_dry:
            return 200, raw
        self.touch(plural, name, namespace, **body.get("spec", {}))
        _, raw = self.get(plural, namespace, name)
        if "annotations" in metadata:
            annotations = {**raw["metadata"].get("annotations", {}), **metadata["annotations"]}
            raw["metadata"]["annotations"] = {key: each for key, each in annotations.items() if each is not None}
        raw["status"] = {**raw.get("status", {}), **body.get("status", {})}
        return 200, raw

    def create(self, plural: str, namespace: str, body: Json, is_dry: bool) -> tuple[int, Json]:
        name = body["metadata"]["name"]
        self.created.append((name, is_dry))
        if (answer := self.before_create(name, body)) is not None:
            return answer[0], _status(*answer)
        if (plural, namespace, name) in self.objects:
            return 409, _status(409, f'{plural} "{name}" already exists')
        self._serial += 1
        metadata = {**body["metadata"], "uid": f"new-{self._serial}", "resourceVersion": str(self._serial)}
        raw = {**body, "metadata": {**metadata, "namespace": namespace}}
        if not is_dry:
            self.made.append(f"{plural}/{name}")
            self.add(plural, raw)
        return 201, raw


def _matches(raw: Json, is_field: bool, selector: str) -> bool:
    name, _, value = selector.partition("=")
    if not is_field:
        return bool(raw["metadata"].get("labels", {}).get(name) == value)
    for each in name.split("."):
        raw = raw.get(each, {})
    return str(raw) == value


def _status(code: int, message: str) -> Json:
    return {"kind": "Status", "code": code, "message": message}


@contextmanager
def served(api: FakeApi) -> Iterator[str]:
    """Serve on a free port of the loopback and yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            plural, namespace, name, query = self._asked()
            if plural in api.forbidden:
                self._answer(403, _status(403, f"{plural} is forbidden"))
            elif name is None:
                self._answer(*api.list(plural, namespace, query))
            else:
                self._answer(*api.get(plural, namespace or "", name))

        def do_PATCH(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            plural, namespace, name, query = self._asked()
            self._answer(*api.patch(plural, namespace or "", name or "", body, "dryRun" in query))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            plural, namespace, _, query = self._asked()
            if plural == "selfsubjectreviews":
                self._answer(201, {"status": {"userInfo": {"username": "ada"}}})
            else:
                self._answer(*api.create(plural, namespace or "", body, "dryRun" in query))

        def _asked(self) -> tuple[str, str | None, str | None, dict[str, list[str]]]:
            url = urlsplit(self.path)
            found = _PATH.fullmatch(url.path)
            assert found is not None, url.path
            return found["plural"], found["ns"], found["name"], parse_qs(url.query)

        def _answer(self, code: int, body: Json) -> None:
            text = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        yield address
