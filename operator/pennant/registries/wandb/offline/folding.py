"""What the log of an offline run says, folded into one run and the artefacts that it logged."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pennant.api.meta import Json, rfc3339
from pennant.registries.wandb import manifest, measured
from pennant.registries.wandb.known import Run, Used
from pennant.registries.wandb.record import CODE

MAX_DEPTH = 32
"""Of the names of a nested value."""


@dataclass(slots=True)
class Folded:
    """The state of a run, changed record by record."""

    run: Run = field(default_factory=lambda: Run("", "", ""))
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: list[Json] = field(default_factory=list)
    """Fields as W&B's API has them, and `name`, `type`, `aliases` and `contents`."""
    step: int | None = None
    moment: float | None = None
    """Time of the last step, in seconds since 1970."""
    has_ended: bool = False

    @property
    def whole(self) -> Run:
        """The run with its configuration and its summary."""
        return replace(self.run, config=self.config, summary=self.summary)

    def add(self, record: Any) -> None:
        """Take a record of the log into account. Kinds that say nothing of versions are left out."""
        match record.WhichOneof("record_type"):
            case "run":
                self._begin(record.run)
            case "environment":
                self._environment(record.environment)
            case "config":
                _change(self.config, record.config)
            case "summary":
                _change(self.summary, record.summary)
            case "history":
                self._history(record.history)
            case "metric" if record.metric.goal in measured.GOALS:
                goal = measured.GOALS[record.metric.goal]
                self.run = replace(self.run, directions={**self.run.directions, record.metric.name: goal})
            case "artifact":
                self._artifact(record.artifact)
            case "exit":
                self.has_ended = True
                state = "finished" if record.exit.exit_code == 0 else "failed"
                self.run = replace(self.run, state=state, finished=_time(self.moment))

    def _begin(self, said: Any) -> None:
        run = self.run
        self.run = replace(
            run,
            entity=said.entity or run.entity,
            project=said.project or run.project or "uncategorized",
            id=said.run_id or run.id,
            title=said.display_name or run.title,
            commit=said.git.commit or run.commit,
            remote=said.git.remote_url or run.remote,
            notes=said.notes or run.notes,
            tags=tuple(said.tags) or run.tags,
            group=said.run_group or run.group,
            job_type=said.job_type or run.job_type,
            sweep=said.sweep_id or run.sweep,
            started=run.started or _time(said.start_time.seconds + said.start_time.nanos / 1e9),
        )
        _change(self.config, said.config)
        _change(self.summary, said.summary)

    def _environment(self, said: Any) -> None:
        run = self.run
        self.run = replace(
            run,
            python=said.python or run.python,
            path=said.code_path or run.path,
            arguments=tuple(said.args) or run.arguments,
            commit=run.commit or said.git.commit,
            remote=run.remote or said.git.remote_url,
            author=said.username or run.author,
            email=said.email or run.email,
        )

    def _history(self, said: Any) -> None:
        self.step = said.step.num
        for path, value in _items(said.item):
            if path == ("_timestamp",) and isinstance(value, int | float):
                self.moment = value

    def _artifact(self, said: Any) -> None:
        if not said.finalize:
            return
        contents = {each.path: _entry(each) for each in said.manifest.contents}
        found: Json = {
            "id": said.client_id,
            "name": said.name,
            "type": said.type,
            "digest": said.digest,
            "digestAlgorithm": said.digest_algorithm or "MANIFEST_MD5",
            "description": said.description,
            "metadata": said.metadata,
            "aliases": [each for each in said.aliases if each != "latest"],
            "tags": [{"name": each} for each in said.tags],
            "size": sum(each.size for each in said.manifest.contents) if contents else None,
            "fileCount": len(contents) or None,
            "historyStep": self.step,
            "ttlDurationSeconds": said.ttl_duration_seconds if said.ttl_duration_seconds > 0 else None,
            "createdAt": _time(self.moment) or self.run.started,
            "contents": contents,
            "manifestFile": said.manifest.manifest_file_path,
        }
        self.artifacts.append(found)
        if said.type == CODE and self.run.code is None:
            digest = manifest.digest(found)
            code = Used(self.run.entity, self.run.project, said.name, "", CODE, digest, said.client_id)
            self.run = replace(self.run, code=code)


def _entry(said: Any) -> Json:
    extra = {each.key: _json(each.value_json) for each in said.extra}
    known = {"digest": said.digest, "ref": said.ref, "size": said.size, "localPath": said.local_path, "extra": extra}
    return {name: each for name, each in known.items() if each not in ("", {})}


def _change(values: dict[str, Any], said: Any) -> None:
    """Set and remove values of a configuration or of a summary, which may be nested."""
    for path, value in _items(said.update):
        if path[0] in measured.OWN:
            continue
        inside = values
        for name in path[:-1]:
            if not isinstance(inside.get(name), dict):
                inside[name] = {}
            inside = inside[name]
        inside[path[-1]] = value
    for each in said.remove:
        path = tuple(each.nested_key) or (each.key,)
        inside = values
        for name in path[:-1]:
            inside = inside[name] if isinstance(inside.get(name), dict) else {}
        inside.pop(path[-1], None)


def _items(items: Iterable[Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield values with their nested names."""
    for each in items:
        path = tuple(each.nested_key) or (each.key,)
        if len(path) <= MAX_DEPTH:
            yield path, _json(each.value_json)


def _json(text: str) -> Any:
    """Return a value of JSON, of which W&B's may have NaN; a text that is none stays a text."""
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def _time(seconds: float | None) -> str | None:
    try:
        return rfc3339(datetime.fromtimestamp(seconds, UTC)) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None
