"""A Kubeflow Model Registry in memory, which the official client can write to as well as read."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from unit.http_server import serving

FIRST_TIME = 1_777_000_000_000
HOUR = 3_600_000
Resource = dict[str, Any]


def text(value: str) -> dict[str, str]:
    """Return a custom property."""
    return {"metadataType": "MetadataStringValue", "string_value": value}


def number(value: Any) -> int:
    return int(value) if str(value).isdecimal() else 0


@dataclass(frozen=True)
class Answer:
    code: int
    body: str
    cut: int = 0


def error(code: int, message: str) -> Answer:
    return Answer(code, json.dumps({"code": str(code), "message": message}))


@dataclass
class FakeKubeflow:
    releases: tuple[str, ...] = ("v1",)
    token: str | None = None
    """What a client must send; None: anything."""
    kinds: dict[str, list[Resource]] = field(default_factory=dict)
    owned: dict[tuple[str, str], list[Resource]] = field(default_factory=dict)
    """The artefacts, by the kind and the id of what has them."""
    faults: deque[Answer] = field(default_factory=deque)
    """Given before anything else."""
    broken: dict[str, Answer] = field(default_factory=dict)
    """Given to each request whose path, below the release, begins so."""
    asked: list[str] = field(default_factory=list)
    repeats: bool = False
    """Whether each page is the first one."""
    count: int = 0

    def add(self, kind: str, **fields: Any) -> Resource:
        """Add a resource an hour after the one before."""
        self.count += 1
        moment = str(FIRST_TIME + self.count * HOUR)
        times = {"createTimeSinceEpoch": moment, "lastUpdateTimeSinceEpoch": moment}
        resource = {**{name: each for name, each in fields.items() if each is not None}, "id": str(self.count), **times}
        self.kinds.setdefault(kind, []).append(resource)
        return resource

    def model(self, name: str, **fields: Any) -> Resource:
        return self.add("registered_models", name=name, **{"state": "LIVE", **fields})

    def version(self, model: Resource, name: str, **fields: Any) -> Resource:
        given = {"state": "LIVE", "registeredModelId": model["id"], **fields}
        return self.add("model_versions", name=name, **given)

    def artifact(self, owner: Resource, kind: str, *, of: str = "model_versions", **fields: Any) -> Resource:
        artifact = self.add("artifacts", artifactType=kind, **{"state": "LIVE", **fields})
        self.owned.setdefault((of, owner["id"]), []).append(artifact)
        return artifact

    def reply(self, method: str, target: str, sent: Any, authorization: str | None) -> Answer:
        self.asked.append(f"{method} {target}")
        if self.faults:
            return self.faults.popleft()
        if self.token is not None and authorization != f"Bearer {self.token}":
            return error(401, "no such token")
        url = urlsplit(target)
        release, _, path = url.path.removeprefix("/api/model_registry/").partition("/")
        if release not in self.releases:
            # Of Go's own server, which answers with no JSON.
            return Answer(404, "404 page not found\n")
        if (fault := next((each for start, each in self.broken.items() if path.startswith(start)), None)) is not None:
            return fault
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        found = self._written(method, path.split("/"), sent) if sent is not None else self._read(path.split("/"), query)
        return found if isinstance(found, Answer) else Answer(201 if method == "POST" else 200, json.dumps(found))

    def _written(self, method: str, path: list[str], sent: Resource) -> Any:
        match method, path:
            case "POST", [("model_versions" | "experiment_runs") as kind, identity, "artifacts"]:
                kind_of = sent.pop("artifactType")
                return self.artifact(self._one(kind, "id", identity), kind_of, of=kind, **sent)
            case "POST", [kind]:
                return self.add(kind, **sent)
            case "PATCH", ["model_artifacts", identity]:
                return self._changed("artifacts", identity, sent)
            case "PATCH", [kind, identity]:
                return self._changed(kind, identity, sent)
        return error(404, "/".join(path))

    def _changed(self, kind: str, identity: str, sent: Resource) -> Resource:
        resource = self._one(kind, "id", identity)
        resource.update(sent)
        return resource

    def _read(self, path: list[str], query: dict[str, str]) -> Any:
        match path:
            case [kind, identity, "artifacts"]:
                return self._page(self.owned.get((kind, identity), []), query)
            case ["registered_models", identity, "versions"]:
                listed = [e for e in self.kinds.get("model_versions", ()) if e["registeredModelId"] == identity]
                return self._page(listed, query)
            case [("registered_model" | "model_version" | "model_artifact") as kind]:
                return self._found(f"{kind}s", query)
            case [kind, identity]:
                found = [each for each in self.kinds.get(kind, ()) if each["id"] == identity]
                return found[0] if found else error(404, f"no {kind} found for id {identity}")
            case [kind] if kind.endswith("s"):
                return self._page(self.kinds.get(kind, []), query)
        return error(404, "/".join(path))

    def _found(self, kind: str, query: dict[str, str]) -> Any:
        if kind == "model_artifacts":
            listed = self.owned.get(("model_versions", query.get("parentResourceId", "")), [])
        else:
            listed = self.kinds.get(kind, [])
        parent = query.get("parentResourceId")
        for each in listed:
            if each.get("name") == query.get("name") and each.get("registeredModelId", parent) in (parent, None):
                return each
        return error(404, f"no {kind} found for name={query.get('name')}")

    def _page(self, listed: list[Resource], query: dict[str, str]) -> Resource:
        key = "createTimeSinceEpoch" if query.get("orderBy") == "CREATE_TIME" else "id"
        ordered = sorted(listed, key=lambda each: number(each.get(key)), reverse=query.get("sortOrder") == "DESC")
        size, start = int(query.get("pageSize", 20)), int(query.get("nextPageToken") or 0)
        end = size if self.repeats else start + size
        items = ordered[end - size : end]
        token = str(end) if end < len(ordered) else ""
        return {"items": items, "size": len(items), "pageSize": size, "nextPageToken": token}

    def _one(self, kind: str, key: str, value: str) -> Resource:
        return next(each for each in self.kinds[kind] if each[key] == value)


@contextmanager
def served(kubeflow: FakeKubeflow) -> Iterator[str]:
    """Serve on a free port of the loopback and yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length)) if length else None
            answer = kubeflow.reply(self.command, self.path, sent, self.headers.get("Authorization"))
            body = answer.body.encode()
            self.send_response(answer.code)
            is_json = body.lstrip()[:1] == b"{"
            self.send_header("Content-Type", "application/json" if is_json else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - answer.cut])
            if answer.cut:
                self.close_connection = True

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        yield address


def seeded() -> FakeKubeflow:
    """Return a registry with two models: one with all that Kubeflow can hold, and an archived one."""
    kubeflow = FakeKubeflow()
    churn = kubeflow.model(
        "Churn Model",
        owner="growth",
        description="who leaves next month",
        license="apache-2.0",
        licenseLink="https://www.apache.org/licenses/LICENSE-2.0",
        maturity="Generally Available",
        tasks=["tabular-classification"],
        language=["en"],
        provider="Acme",
        libraryName="xgboost",
        readme="# Churn",
        customProperties={"team": text("growth"), "tier-1": text("")},
    )
    first = kubeflow.version(churn, "1.0.0", author="ada", description="first")
    kubeflow.artifact(first, "model-artifact", name="churn", uri="s3://models/churn/1.0.0/model.json")
    second = kubeflow.version(
        churn,
        "1.1.0",
        author="ada",
        description="trees on the data of April",
        externalId="run-17",
        customProperties={
            "reason": text("new data"),
            "git.commit": text("0123456789ABCDEF0123456789abcdef01234567"),
            "git.repository": text("https://bot:secret@git.example/churn.git"),
            "api_key": text("secret"),
            "validated": {"metadataType": "MetadataBoolValue", "bool_value": True},
            "gpus": {"metadataType": "MetadataIntValue", "int_value": "2"},
            "threshold": {"metadataType": "MetadataDoubleValue", "double_value": 0.5},
            "limits": {"metadataType": "MetadataStructValue", "struct_value": "eyJhIjogMX0="},
            "candidate": text(""),
        },
    )
    experiment = kubeflow.add("experiments", name="churn training")
    run = kubeflow.add(
        "experiment_runs",
        name="trees",
        experimentId=experiment["id"],
        status="FINISHED",
        startTimeSinceEpoch=str(FIRST_TIME),
        endTimeSinceEpoch=str(FIRST_TIME + HOUR),
    )
    kubeflow.artifact(
        second,
        "model-artifact",
        name="churn",
        uri="s3://models/churn/1.1.0/model.json",
        modelFormatName="xgboost",
        modelFormatVersion="1.7",
        storageKey="models",
        storagePath="churn/1.1.0",
        serviceAccountName="reader",
        modelSourceKind="pipelines",
        modelSourceClass="pipelinerun",
        modelSourceGroup="growth",
        modelSourceId="3f1c",
        modelSourceName="churn-pipeline",
        experimentRunId=run["id"],
        customProperties={"digest": text(f"sha256:{'a' * 64}")},
    )
    kubeflow.artifact(
        second, "model-artifact", name="Tokenizer v2", uri=f"oci://registry.example/tokenizer@sha256:{'b' * 64}"
    )
    kubeflow.artifact(second, "model-artifact", name="old", uri="s3://models/old", state="DELETED")
    kubeflow.artifact(second, "doc-artifact", name="Model Card", uri="https://docs.example/churn")
    kubeflow.artifact(
        second, "dataset-artifact", name="churn-train", uri="s3://data/train", digest=f"sha256:{'c' * 64}"
    )
    kubeflow.artifact(
        second,
        "dataset-artifact",
        name="holdout",
        source="s3://data/x",
        digest="7",
        customProperties={"role": text("test")},
    )
    kubeflow.artifact(second, "dataset-artifact", name="names", uri="s3://data/names")
    kubeflow.artifact(run, "metric", of="experiment_runs", name="val_auc", value=0.9, step=1, timestamp=str(FIRST_TIME))
    kubeflow.artifact(
        run, "metric", of="experiment_runs", name="val_auc", value=0.93, step=2, timestamp=str(FIRST_TIME)
    )
    kubeflow.artifact(second, "metric", name="test_auc", value=0.91, step=0)
    kubeflow.artifact(run, "parameter", of="experiment_runs", name="depth", value="6", parameterType="number")
    kubeflow.artifact(second, "parameter", name="objective", value="binary:logistic", parameterType="string")
    archived = kubeflow.version(churn, "1.2.0", author="bob", state="ARCHIVED")
    kubeflow.artifact(archived, "model-artifact", name="churn", uri="s3://models/churn/1.2.0")
    fraud = kubeflow.model("fraud", state="ARCHIVED")
    kubeflow.version(fraud, "7")
    return kubeflow
