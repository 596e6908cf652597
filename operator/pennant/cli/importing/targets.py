"""Where imported versions go: standard output, a directory of manifests, or the cluster. None is ever replaced."""

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import click
import yaml

from pennant.api.meta import Json
from pennant.cli import names
from pennant.cli.errors import CliError
from pennant.cli.model_versions import full_name, of_model
from pennant.cli.session import FIELD_MANAGER, Session
from pennant.kube.http.resources import Kind
from pennant.kube.tag_writer import tags_of
from pennant.record.document import text
from pennant.registries import importing
from pennant.registries.creation import created
from pennant.registries.importing import Outcome, Telling, same
from pennant.registries.protocol import RegistryError


class Target(importing.Target, Protocol):
    """Where versions go."""

    def close(self) -> None:
        """Write what belongs after the last version."""
        ...


@dataclass(slots=True)
class Printed:
    """Prints the manifests, one after the other, and keeps none."""

    form: str | None
    count: int = 0

    async def tags(self, model: str) -> dict[str, str]:
        """Return nothing: nobody has a tag yet."""
        return {}

    async def put(self, document: Json) -> Outcome:
        """Print a manifest."""
        match self.form:
            case "name":
                click.echo(full_name(document["metadata"]["name"]))
            case "json":
                head = '{"apiVersion": "v1", "kind": "List", "items": [' if not self.count else ","
                click.echo(f"{head}\n{json.dumps(document)}", nl=False)
            case _:
                click.echo(f"---\n{text(document)}", nl=False)
        self.count += 1
        return Outcome.IMPORTED

    def close(self) -> None:
        """End the list of JSON."""
        if self.form == "json":
            click.echo("\n]}" if self.count else '{"apiVersion": "v1", "kind": "List", "items": []}')


@dataclass(slots=True)
class Directory:
    """Writes each version to `<model>-<version>.yaml`, as a whole or not at all."""

    root: Path
    is_dry: bool
    telling: Telling

    async def tags(self, model: str) -> dict[str, str]:
        """Return who has each tag in the manifests of the model."""
        found = (self._read(path) for path in sorted(self.root.glob("*.yaml")))
        return {
            tag: str(each["metadata"]["name"])
            for each in found
            if (each.get("spec") or {}).get("model") == model
            for tag in tags_of(each)
        }

    async def put(self, document: Json) -> Outcome:
        """Write a manifest. Of two writers of the same version, the second one finds the file of the first."""
        name = str(document["metadata"]["name"])
        path = self.root / f"{name}.yaml"
        if path.exists():
            return same(document, self._read(path), str(path), self.telling)
        if not self.is_dry:
            try:
                self._create(path, text(document))
            except FileExistsError:
                return same(document, self._read(path), str(path), self.telling)
            except OSError as error:
                raise CliError(f"{path} cannot be written: {error.strerror}") from error
        click.echo(f"{path}: {full_name(name)} {'would be written' if self.is_dry else 'written'}")
        return Outcome.IMPORTED

    def close(self) -> None:
        """Do nothing."""

    def _create(self, path: Path, content: str) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        # The file gets its name when it is complete, and only if no other one has it.
        number, temporary = tempfile.mkstemp(dir=self.root, prefix=".import-")
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
            os.link(temporary, path)
        finally:
            os.unlink(temporary)

    def _read(self, path: Path) -> Json:
        try:
            value = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise RegistryError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
        if not isinstance(value, dict) or value.get("kind") != "ModelVersion":
            return {"metadata": {"name": path.stem}, "spec": {}}
        return value


@dataclass(slots=True)
class Cluster:
    """Creates each version in the cluster."""

    session: Session
    dry_run: str
    telling: Telling
    known: dict[str, dict[str, str]] = field(default_factory=dict)

    async def tags(self, model: str) -> dict[str, str]:
        """Return who has each tag of the model in the namespace."""
        if model not in self.known:
            listed = await of_model(self.session, model)
            self.known[model] = {tag: str(each["metadata"]["name"]) for each in listed for tag in tags_of(each)}
        return self.known[model]

    async def put(self, document: Json) -> Outcome:
        """Create the object, or compare the one that is there."""
        name, namespace = names.valid(str(document["metadata"]["name"])), self.session.namespace
        there = await self.session.client.get(Kind.MODEL_VERSION, namespace, name)
        is_new = there is None
        if there is None and self.dry_run != "client":
            params = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if self.dry_run == "server" else {})
            there, is_new = await created(self.session.client, namespace, document, params)
        if there is not None and not is_new:
            return same(document, there, f"{full_name(name)} in the cluster", self.telling)
        click.echo(f"{full_name(name)} created{f' ({self.dry_run} dry run)' if self.dry_run != 'none' else ''}")
        return Outcome.IMPORTED

    def close(self) -> None:
        """Do nothing."""
