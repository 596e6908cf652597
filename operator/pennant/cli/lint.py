"""`lint`: check manifests offline, as the API server and the operator would."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import click

from pennant.cli import output
from pennant.cli.errors import CliError
from pennant.cli.manifests import openapi
from pennant.cli.manifests.files import contents
from pennant.cli.manifests.findings import Finding, Report, report, strict, to_json
from pennant.cli.manifests.openapi import Kubernetes

COLOURS = {"error": "red", "warning": "yellow"}


def execute(
    arguments: tuple[str, ...],
    filenames: tuple[str, ...],
    recursive: bool,
    is_strict: bool,
    openapi_file: str | None,
    output: str | None,
) -> int:
    """Carry out the verb; its options are in `pennant.cli.commands.lint`."""
    given = (*filenames, *arguments)
    if not given:
        raise CliError("must specify -f with a file, a directory or - for standard input")
    files = {each: tuple(contents((each,), recursive)) for each in dict.fromkeys(given)}
    found = report((each for listed in files.values() for each in listed), _kubernetes(openapi_file))
    without = [each for each, all_of in files.items() if not any(path in found.with_objects for path, _ in all_of)]
    if len(without) == len(files):
        raise CliError(nothing_in(without, recursive))
    if without:
        click.echo(f"{'error' if is_strict else 'Warning'}: {nothing_in(without, recursive)}", err=True)
    if is_strict:
        found = replace(found, findings=strict(found.findings))
    if text := rendered(found, output, colour="NO_COLOR" not in os.environ):
        click.echo(text)
    if output is None:
        click.echo(summary(found), err=bool(found.findings))
    return 1 if found.errors or (without and is_strict) else 0


def _kubernetes(file: str | None) -> Callable[[], Kubernetes]:
    """Return what returns the schema of pod templates; raises `CliError` if the file has none."""
    if file is None:
        return openapi.bundled
    try:
        known = openapi.parsed(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise CliError(f"--openapi: {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        fix = f"write it by: kubectl get --raw {openapi.DOCUMENT}"
        raise CliError(f"--openapi: {file} {error}; {fix}") from error
    return lambda: known


def nothing_in(arguments: Sequence[str], recursive: bool) -> str:
    """Return that arguments have no object to check, and what to do where they have directories."""
    said = f"no ModelVersion or ModelDeployment found in {', '.join(arguments)}"
    has_more = any(each.is_dir() for name in arguments if Path(name).is_dir() for each in Path(name).iterdir())
    return f"{said}; use -R to check the directories in it as well" if has_more and not recursive else said


def rendered(found: Report, form: str | None, *, colour: bool = False) -> str:
    """Return the findings as lines for people, as `json` or `yaml`, or as `github` workflow commands."""
    if form in ("json", "yaml"):
        items = [to_json(each) for each in found.findings]
        counts = {"files": found.files, "objects": found.objects, "errors": found.errors}
        return output.document(output.wrapped("LintReport", items, **counts), form)
    return "\n".join(_command(each) if form == "github" else _line(each, colour) for each in found.findings)


def _line(finding: Finding, colour: bool) -> str:
    severity = finding.severity
    if colour:
        severity = click.style(severity, fg=COLOURS[severity], bold=True)
    return f"{finding.file}:{finding.line}:{finding.column}: {severity}: {finding.sentence}"


def _command(finding: Finding) -> str:
    """Return a workflow command of GitHub Actions, which shows the finding beside the line of a pull request."""
    properties = {
        "file": finding.file,
        "line": str(finding.line),
        "col": str(finding.column),
        "title": finding.object or "pennant lint",
    }
    listed = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    return f"::{finding.severity} {listed}::{_escaped(finding.sentence)}"


def _escaped(text: str, more: str = "") -> str:
    for sign in ("%", "\r", "\n", *more):
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def summary(found: Report) -> str:
    """Return what was checked, and how many problems there are."""
    checked = f"{_count(found.objects, 'manifest')} in {_count(found.files, 'file')}"
    if not found.findings:
        return f"{checked}: no problems"
    warned = len(found.findings) - found.errors
    return f"{checked}: {_count(found.errors, 'error')}, {_count(warned, 'warning')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
