"""An MLflow server that lives: versions are registered, aliases move, runs end, and it may be down or talk rubbish."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pennant.api.meta import Json
from pennant.registries.catalogue import Given
from pennant.registries.http import Pairs
from pennant.registries.mlflow.registry import Mlflow
from pennant.registries.protocol import NotThere, Registry
from unit.core.builders import NOON

BASE = "https://mlflow.example"
API = "/api/2.0/mlflow"


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@dataclass
class LivingMlflow:
    """Implements `Reader`."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fault: Callable[[str], Exception | None] = lambda _path: None
    """Called before each answer; an error is raised instead of it."""
    pause: Callable[[str], Any] | None = None
    """Awaited before each answer."""
    now: datetime = NOON

    def register(self, model: str, *, run_ends: bool = True, **fields: Any) -> str:
        """Register the next version of a model, with a run of its own; return its number."""
        known = self.models.setdefault(model, {"versions": {}, "aliases": {}, "changed": 0})
        number = str(1 + max(map(int, known["versions"]), default=0))
        run = f"{model}-{number}".encode().hex()
        moment = milliseconds(self.now)
        info = {"run_id": run, "status": "RUNNING", "start_time": moment, "experiment_id": "1"}
        self.runs[run] = {"info": info, "data": {"params": [{"key": "depth", "value": number}]}}
        if run_ends:
            self.end(model, number)
        known["versions"][number] = {
            "name": model,
            "version": number,
            "creation_timestamp": moment,
            "source": f"s3://models/{model}/{number}",
            "run_id": run,
            "status": "READY",
            "user_id": "ada",
            **fields,
        }
        known["changed"] += 1
        return number

    def end(self, model: str, number: str) -> None:
        """End the run of a version."""
        info = self.runs[f"{model}-{number}".encode().hex()]["info"]
        info |= {"status": "FINISHED", "end_time": milliseconds(self.now + timedelta(minutes=1))}

    def alias(self, model: str, alias: str, number: str | None) -> None:
        """Set an alias, or delete it."""
        if number is None:
            del self.models[model]["aliases"][alias]
        else:
            self.models[model]["aliases"][alias] = number

    async def json(self, path: str, params: Pairs = ()) -> Json:
        self.asked.append(path)
        if self.pause is not None:
            await self.pause(path)
        if (error := self.fault(path)) is not None:
            raise error
        asked = dict(params)
        match path.removeprefix(API):
            case "/registered-models/search":
                return self._page([self._registered(each) for each in self.models], asked, "registered_models")
            case "/registered-models/get":
                return {"registered_model": self._registered(asked["name"])}
            case "/model-versions/search":
                return self._versions(asked)
            case "/model-versions/get":
                return {"model_version": self._model(asked["name"])["versions"][asked["version"]]}
            case "/runs/get":
                return {"run": self.runs[asked["run_id"]]}
            case "/experiments/get":
                return {"experiment": {"name": "churn"}}
        raise AssertionError(path)

    async def content(self, path: str, params: Pairs = ()) -> bytes:
        self.asked.append(path)
        raise NotThere("no file")

    async def chunks(self, path: str, params: Pairs = ()) -> AsyncIterator[bytes]:
        self.asked.append(path)
        yield b"model"

    def _model(self, name: str) -> dict[str, Any]:
        if name not in self.models:
            raise NotThere(f"Registered Model with name={name} not found")
        return self.models[name]

    def _registered(self, name: str) -> Json:
        known = self._model(name)
        aliases = [{"alias": alias, "version": number} for alias, number in known["aliases"].items()]
        return {"name": name, "last_updated_timestamp": known["changed"], "aliases": aliases}

    def _versions(self, asked: dict[str, str]) -> Json:
        name = asked["filter"].removeprefix("name=").strip("'")
        newest_first = asked["order_by"].endswith("DESC")
        listed = sorted(self._model(name)["versions"].values(), key=lambda each: int(each["version"]))
        return self._page(listed[::-1] if newest_first else listed, asked, "model_versions")

    @staticmethod
    def _page(items: list[Json], asked: dict[str, str], name: str) -> Json:
        start, size = int(asked.get("page_token", "0")), int(asked["max_results"])
        more = {"next_page_token": str(start + size)} if start + size < len(items) else {}
        return {name: items[start : start + size], **more}

    @asynccontextmanager
    async def opened(self, kind: str, given: Given) -> AsyncIterator[Registry]:
        """Open it, as `catalogue.opened` does."""
        assert kind == "mlflow"
        yield Mlflow(self, BASE, given.repository)
