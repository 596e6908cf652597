"""Findings: what is wrong with manifest files, each with its place, in the order of the files."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pennant.api.meta import printable
from pennant.cli.manifests import checks, openapi, recipes, together
from pennant.cli.manifests.documents import Document, Mark, Path, Unparsed, documents
from pennant.cli.manifests.openapi import Kubernetes
from pennant.kube.codec.validation_message import field_path

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong."""

    file: str
    line: int
    column: int
    is_error: bool
    field: str
    """The path of the field, such as `spec.analysis.metrics[0].threshold`; empty where it is the whole document."""
    message: str
    """What is wrong, and what the value must be."""
    object: str
    """Kind and name, such as `ModelVersion/fraud-1.0.0`; empty where they are not known."""

    @property
    def severity(self) -> str:
        """`error` or `warning`."""
        return "error" if self.is_error else "warning"

    @property
    def sentence(self) -> str:
        """The message with the field that it is about, unless it names the field itself."""
        names_itself = not self.field or self.message.startswith(f"{self.field} ")
        return self.message if names_itself else f"{self.field}: {self.message}"


@dataclass(frozen=True, slots=True)
class Report:
    """The result for all files."""

    findings: tuple[Finding, ...]
    files: int
    objects: int
    """ModelVersions and ModelDeployments that were checked."""
    with_objects: frozenset[str] = frozenset()
    """Files in which there is one of them, or something that is meant to be one."""

    @property
    def errors(self) -> int:
        """Number of findings that are errors."""
        return sum(each.is_error for each in self.findings)


def report(
    files: Iterable[tuple[str, str | Unparsed]], kubernetes: Callable[[], Kubernetes] = openapi.bundled
) -> Report:
    """Check manifest files, each given as its path and its text or why it has none, one by one and together.

    `kubernetes` returns the schema of pod templates.
    """
    found, ours, count = list[Finding](), list[Document](), 0
    order: dict[str, int] = {}
    for file, text in files:
        order.setdefault(file, count)
        count += 1
        for each in documents(text, file) if isinstance(text, str) else (text,):
            if isinstance(each, Unparsed):
                found.append(Finding(file, each.mark.line, each.mark.column, True, "", each.message, ""))
            else:
                found += _in_document(each, ours, kubernetes)
    for doubt in together.doubts(ours, kubernetes):
        found.append(_finding(doubt.document, doubt.path, doubt.message, doubt.is_error))
    placed = sorted(set(found), key=lambda each: (order[each.file], each))
    meant = frozenset((*(each.file for each in ours), *(each.file for each in found if each.is_error)))
    return Report(tuple(placed), count, len(ours), meant)


def _in_document(document: Document, ours: list[Document], kubernetes: Callable[[], Kubernetes]) -> Iterator[Finding]:
    """Yield what is wrong with a document by itself; objects whose kind is right are added to `ours`."""
    for each in document.items():
        if not checks.is_ours(each.value):
            if (said := _foreign(each)) is not None:
                yield _finding(each, (), said, is_error=False)
            continue
        for problem in document.problems:
            yield _finding(document, problem.path, problem.message, True, problem.mark)
        wrong_type = checks.type_problem(each.value)
        if wrong_type is not None:
            yield _finding(each, wrong_type.path, wrong_type.message, True)
            continue
        ours.append(each)
        for problem in checks.problems(each.value, kubernetes):
            yield _finding(each, problem.path, recipes.message(each, problem), True)
        for problem in checks.warnings(each.value):
            yield _finding(each, problem.path, problem.message, is_error=False)


def _foreign(document: Document) -> str | None:
    """Return what is odd about a document that is no object of ours; None: it is an object of another kind."""
    value = document.value
    if PurePath(document.file).name in KUSTOMIZATIONS or (isinstance(value, dict) and "kind" in value):
        return None
    return "has no kind, so kubectl does not apply it; is it a manifest?"


def _finding(document: Document, path: Path, message: str, is_error: bool, mark: Mark | None = None) -> Finding:
    at, value = mark or document.mark(path), document.value
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    known = isinstance(value, dict) and value.get("kind")
    named = printable(f"{value['kind']}/{name}") if known and isinstance(name, str) else ""
    field = printable(field_path(path).removeprefix("."))
    return Finding(document.file, at.line, at.column, is_error, field, printable(message), named)


def strict(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the same findings, warnings as errors."""
    return tuple(
        Finding(each.file, each.line, each.column, True, each.field, each.message, each.object) for each in findings
    )


def to_json(finding: Finding) -> dict[str, Any]:
    """Return a finding for programs."""
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "severity": finding.severity,
        "object": finding.object,
        "field": finding.field,
        "message": finding.message,
    }
