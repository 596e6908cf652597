"""A tag moves in manifests: find the versions in the files, change their tags, and replace each file at once."""

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pennant.api import GROUP
from pennant.cli.errors import CliError
from pennant.cli.model_versions import parsed
from pennant.cli.names import SUFFIXES, hinted
from pennant.cli.tag_edit import CannotEdit, with_tags
from pennant.cli.yaml_text import Unparsable, documents


@dataclass(frozen=True, slots=True)
class Found:
    """A ModelVersion in a file."""

    path: Path
    data: Any
    """The object, as it was parsed with its places in the text."""

    @property
    def name(self) -> str:
        """Its name."""
        return str((self.data.get("metadata") or {}).get("name") or f"{self.model}-{self.version}")

    @property
    def place(self) -> tuple[int, int]:
        """Line and column at which it begins."""
        return self.data.lc.line, self.data.lc.col

    @property
    def namespace(self) -> str | None:
        """Its namespace; None: the manifest does not say."""
        return (self.data.get("metadata") or {}).get("namespace")

    @property
    def model(self) -> str:
        """`spec.model`."""
        return str((self.data.get("spec") or {}).get("model", ""))

    @property
    def version(self) -> str:
        """`spec.version`."""
        return str((self.data.get("spec") or {}).get("version", ""))

    @property
    def tags(self) -> tuple[str, ...]:
        """`spec.tags`."""
        return tuple(str(each) for each in (self.data.get("spec") or {}).get("tags") or ())


@dataclass(frozen=True, slots=True)
class Searched:
    """Where manifests were looked for, and what was found."""

    found: tuple[Found, ...]
    files: int
    unparsable: tuple[str, ...]
    """Files below a directory that are no YAML, such as templates of a chart."""


def promoted(
    where: Sequence[str], word: str, model: str | None, tag: str, namespace: str | None, *, is_dry: bool = False
) -> Iterator[str]:
    """Move the tag in the manifests, and yield a line for each file that changed.

    Raises `CliError` where the version is in no file or in several, or a file cannot be written.
    """
    searched = search(where)
    new = _chosen(searched, where, word, model, namespace)
    others = (each for each in searched.found if each is not new and each.model == new.model)
    old = [each for each in others if each.namespace == new.namespace and tag in each.tags and each.name != new.name]
    changes: dict[Path, list[tuple[Found, tuple[str, ...]]]] = {}
    if tag not in new.tags:
        changes[new.path] = [(new, (*new.tags, tag))]
    for each in old:
        changes.setdefault(each.path, []).append((each, tuple(one for one in each.tags if one != tag)))
    if not changes:
        yield f"{new.path}: {new.name} already has the tag {tag}; no file changed"
        return
    texts = {path: _edited(path, edits) for path, edits in changes.items()}
    written: list[Path] = []
    for path, (before, after) in texts.items():
        for found, tags in changes[path]:
            done = "tagged" if tag in tags else "untagged"
            yield f"{path}: {found.name} {done} {tag}{' (client dry run)' if is_dry else ''}"
        if is_dry:
            yield from _diff(path, before, after)
            continue
        _replace(path, after, written)
        written.append(path)
    if not is_dry:
        yield f"{len(written)} file{'s' * (len(written) > 1)} changed. Commit and push to promote {new.name}."


def search(where: Sequence[str]) -> Searched:
    """Return the ModelVersions in these files, and in all manifests below these directories."""
    found: list[Found] = []
    unparsable: list[str] = []
    files = list(_files(where))
    for path, is_named in files:
        try:
            text = path.read_bytes().decode()
            if "ModelVersion" in text:
                found += [Found(path, each) for each in documents(text) if _is_version(each)]
        except (Unparsable, UnicodeDecodeError) as error:
            if is_named:
                raise CliError(f"{path} cannot be read as YAML: {error}") from error
            unparsable.append(str(path))
        except OSError as error:
            raise CliError(f"{path} cannot be read: {error.strerror}") from error
    return Searched(tuple(found), len(files), tuple(unparsable))


def _files(where: Sequence[str]) -> Iterator[tuple[Path, bool]]:
    """Yield each manifest once, and whether it was named itself."""
    seen: set[Path] = set()
    for each in where:
        path = Path(each)
        if not path.exists():
            raise CliError(f"the path {each} does not exist")
        below = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file()) if path.is_dir() else [path]
        for file in below:
            hidden = path.is_dir() and any(part.startswith(".") for part in file.relative_to(path).parts)
            if not hidden and file.resolve() not in seen:
                seen.add(file.resolve())
                yield file, not path.is_dir()


def _is_version(data: Any) -> bool:
    if not isinstance(data, dict) or data.get("kind") != "ModelVersion":
        return False
    return str(data.get("apiVersion", "")).startswith(f"{GROUP}/") and isinstance(data.get("spec"), dict)


def _chosen(searched: Searched, where: Sequence[str], word: str, model: str | None, namespace: str | None) -> Found:
    name = parsed(word)
    found = [
        each
        for each in searched.found
        if name in (each.name, each.version)
        and model in (None, each.model)
        and namespace in (None, each.namespace or namespace)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{each.name} in {each.path}" for each in found)
        raise CliError(f"{name} is ambiguous: {listed}. Name the object or its file, or give --model or -n")
    looked = f"{', '.join(where)} ({searched.files} file{'s' * (searched.files != 1)})"
    message = f"no manifest of {name}{f' of model {model}' if model else ''} in {looked}"
    if searched.unparsable:
        message += f"; these are no YAML and were left out: {', '.join(searched.unparsable[:5])}"
    known = sorted({each.name for each in searched.found})
    hint = hinted(name, known, [each for each in known if each.endswith(f"-{name}")], cutoff=0.6)
    raise CliError(f"{message}. {hint}" if hint else f"{message}. They have no ModelVersion")


def _edited(path: Path, edits: Sequence[tuple[Found, tuple[str, ...]]]) -> tuple[str, str]:
    """Return the text of a file before and after the changes."""
    before = path.read_bytes().decode()
    text = before
    # From the end of the file, so that the places of the others stay right.
    for found, tags in sorted(edits, key=lambda each: each[0].place, reverse=True):
        try:
            text = with_tags(text, found.data, tags)
        except CannotEdit as error:
            raise CliError(
                f"{path}: the tags of {found.name} cannot be changed: {error}. Change them by hand"
            ) from error
    return before, text


def _replace(path: Path, text: str, written: Sequence[Path]) -> None:
    """Replace a file at once, with its permissions; a symbolic link stays one."""
    target = path.resolve()
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(target, temporary)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        done = f"; changed already: {', '.join(map(str, written))}" if written else "; no file was changed"
        raise CliError(f"{path} cannot be written: {error.strerror}{done}") from error


def _diff(path: Path, before: str, after: str) -> Iterator[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), str(path), lineterm="")
    yield from lines
