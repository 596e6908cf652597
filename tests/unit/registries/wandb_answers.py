"""A W&B server in memory: what the importer asks, answered as the schema of W&B has it."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from pennant.api.meta import Json
from pennant.registries.http import Pairs
from pennant.registries.protocol import NotThere
from pennant.registries.wandb.graphql import Graph
from pennant.registries.wandb.registry import Place, Wandb

PROJECT = {"name": "churn", "entity": {"name": "acme"}}
SEQUENCE = {"name": "fraud", "project": PROJECT}
PLACE = Place("https://wandb.ai", "acme", "churn")
METADATA = {
    "python": "CPython 3.11.7",
    "codePath": "train.py",
    "git": {"remote": "https://bot:secret@git.example/fraud.git", "commit": "a" * 40},
    "email": "ada@example.com",
}
MANIFEST = {"version": 1, "contents": {"model.onnx": {"digest": "XUFAKrxLKna5cZ2REBfFkg==", "size": 5}}}


def version(number: int, *aliases: str, **fields: Any) -> dict[str, Any]:
    """Return an edge of the list of versions."""
    known = {
        "id": f"a{number}",
        "digest": f"{number:032x}",
        "versionIndex": number,
        "artifactType": {"name": "model"},
        "artifactSequence": SEQUENCE,
        "state": "COMMITTED",
        "createdAt": f"2026-05-01T{number % 24:02}:00:00",
        "aliases": [{"alias": each, "artifactCollection": SEQUENCE} for each in (*aliases, f"v{number}")],
    }
    return {"version": f"v{number}", "node": {**known, **fields}}


def used(name: str, kind: str = "dataset") -> dict[str, Any]:
    """Return an artefact that the run used."""
    sequence = {"name": name, "project": PROJECT}
    digest = {"digest": "5d41402abc4b2a76b9719d911017c592", "versionIndex": 4}
    return {"node": {"id": name, **digest, "artifactType": {"name": kind}, "artifactSequence": sequence}}


@dataclass
class Server:
    """Implements `Poster` and what `Stored` offers."""

    versions: list[dict[str, Any]] = field(default_factory=lambda: [version(0), version(1, "production"), version(2)])
    run: dict[str, Any] = field(default_factory=dict)
    origin: Any = field(default_factory=lambda: {"__typename": "Run", "name": "r1", "project": PROJECT})
    collection: Any = field(default_factory=lambda: {"name": "fraud", "description": "risk", "tags": {"edges": []}})
    files: dict[str, Any] = field(default_factory=dict)
    """Content, or the error, by URL."""
    replies: list[Any] = field(default_factory=list)
    """Given before anything else: JSON, or an error."""
    asked: list[str] = field(default_factory=list)
    sent: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = {
            "lr": {"value": 1e-05},
            "opt": {"value": {"name": "adam"}},
            "_wandb": {"value": {"m": [{"1": "loss", "8": 1}]}},
        }
        summary = {"loss": 0.25, "val/acc": 0.9, "test/acc": 0.8, "_step": 9, "_runtime": 3}
        self.run = {
            "name": "r1",
            "displayName": "sunny-moon-1",
            "config": json.dumps(config),
            "summaryMetrics": json.dumps(summary),
            "commit": "a" * 40,
            "state": "finished",
            "createdAt": "2026-05-01T08:00:00",
            "heartbeatAt": "2026-05-01T08:30:00",
            "notes": "less noise",
            "tags": ["weekly"],
            "user": {"username": "ada"},
            "files": {
                "edges": [
                    {"node": {"name": each, "directUrl": f"store:{each}"}}
                    for each in ("wandb-metadata.json", "requirements.txt")
                ]
            },
            "inputArtifacts": {"edges": [used("fraud-train"), used("fraud-test")]},
            **self.run,
        }
        self.files = {
            "store:wandb-metadata.json": json.dumps(METADATA),
            "store:requirements.txt": "numpy==2.3.1\n",
            "store:manifest": json.dumps(MANIFEST),
            "store:model.onnx": "hello",
            **self.files,
        }

    def registry(self, place: Place = PLACE, **options: Any) -> Wandb:
        """Return the registry that reads this server."""
        return Wandb(Graph(self, "Set WANDB_API_KEY"), self, place, **options)  # type: ignore[arg-type]

    async def json(self, path: str, params: Pairs = (), sent: Json | None = None) -> Json:
        assert sent is not None
        self.sent.append(sent)
        if self.replies:
            reply = self.replies.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return dict(reply)
        operation = re.search(r"query Pennant(\w+)", sent["query"])
        assert operation is not None
        self.asked.append(operation[1])
        return {"data": getattr(self, f"_{operation[1].lower()}")(sent["variables"])}

    def _page(self, listed: list[Any], variables: Json) -> Json:
        start = int(variables["cursor"] or 0)
        end = start + variables["perPage"]
        return {
            "edges": listed[start:end],
            "pageInfo": {"endCursor": str(end), "hasNextPage": end < len(listed)},
        }

    def _projects(self, variables: Json) -> Json:
        return {"models": self._page([{"node": {"name": each}} for each in ("churn", "other")], variables)}

    def _collections(self, variables: Json) -> Json:
        if variables["project"] != "churn":
            return {"project": {"artifactType": None}}
        page = self._page([{"node": {"name": "fraud"}}], variables)
        return {"project": {"artifactType": {"artifactCollections": page}}}

    def _collection(self, variables: Json) -> Json:
        found = self.collection if variables["name"] == "fraud" else None
        return {"project": {"artifactType": {"artifactCollection": found}}}

    def _versions(self, variables: Json) -> Json:
        page = self._page(self.versions, variables)
        return {"project": {"artifactType": {"artifactCollection": {"artifacts": page}}}}

    def _origin(self, variables: Json) -> Json:
        return {"artifact": {"createdBy": self.origin, "currentManifest": {"file": {"directUrl": "store:manifest"}}}}

    def _run(self, variables: Json) -> Json:
        return {"project": {"run": self.run}}

    def _file(self, variables: Json) -> Json:
        edges = [{"node": {"directUrl": f"store:{variables['names'][0]}"}}]
        return {"project": {"artifactCollection": {"artifactMembership": {"files": {"edges": edges}}}}}

    async def whole(self, url: str) -> bytes:
        found = self.files.get(url, NotThere(f"not found: {url}"))
        if isinstance(found, Exception):
            raise found
        return str(found).encode()

    async def chunks(self, url: str, version: str | None = None) -> AsyncIterator[bytes]:
        self.asked.append(f"{url}@{version}")
        yield await self.whole(url)
