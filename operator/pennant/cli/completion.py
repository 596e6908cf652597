"""Completion: `kubectl_complete-pennant`, which kubectl calls, and what completes names of objects.

Kubectl calls the program with the words after `kubectl pennant`, the last of them being completed, and expects one
candidate per line, optionally with a tab and a description, and last a line `:` with a directive. Source: kubectl's
`pluginCompletion` and cobra's ShellCompDirective; 4 stands for "no file names".
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

NO_FILE_COMPLETION = 4
NAME_SECONDS = 2.0
"""How long completion waits for the API server."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the candidates for the last word; nothing where there are none or the cluster does not answer."""
    words = list(sys.argv[1:] if argv is None else argv) or [""]
    for value, description in candidates(words[:-1], words[-1]):
        print(f"{value}\t{description}" if description else value)
    print(f":{NO_FILE_COMPLETION}")
    return 0


def candidates(words: Sequence[str], incomplete: str) -> list[tuple[str, str]]:
    """Return the candidates for a word after others, each with a description."""
    from pennant.cli.verbs import VERBS

    if not words and not incomplete.startswith("-"):
        return [(name, each.summary) for name, each in VERBS.items() if name.startswith(incomplete)]
    from click.shell_completion import ShellComplete

    from pennant.cli.main import cli

    completer = ShellComplete(cli, {}, "kubectl pennant", "_PENNANT_COMPLETE")
    return [(item.value, item.help or "") for item in completer.get_completions(list(words), incomplete)]


def complete_deployments(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the names of ModelDeployments that begin like this, in the form in which the user types them."""
    kind, slash, start = incomplete.rpartition("/")
    return [_item(f"{kind}{slash}{name}", version) for name, version in _names(ctx, "modeldeployments", start)]


def complete_versions(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the versions that begin like this."""
    return [_item(name, model) for name, model in _names(ctx, "modelversions", incomplete)]


def complete_version_names(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the names of ModelVersions that begin like this; each is `<model>-<version>`."""
    kind, slash, start = incomplete.rpartition("/")
    found = [(f"{model}-{version}", "") for version, model in _names(ctx, "modelversions", "")]
    return [_item(f"{kind}{slash}{name}", words) for name, words in found if name.startswith(start)]


def complete_models(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the models that begin like this."""
    found = {model for _, model in _names(ctx, "modelversions", "") if model.startswith(incomplete)}
    return [_item(each, "") for each in sorted(found)]


def complete_namespaces(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the namespaces that begin like this."""
    return [_item(name, "") for name, _ in _names(ctx, "namespaces", incomplete)]


def _item(value: str, description: str) -> "CompletionItem":
    from click.shell_completion import CompletionItem

    return CompletionItem(value, help=description or None)


def _names(ctx: "click.Context", plural: str, start: str) -> list[tuple[str, str]]:
    """Return names and descriptions of objects; an empty list where the cluster cannot be asked."""
    from pennant.cli import names

    try:
        return [each for each in names.listed(ctx.params, plural, NAME_SECONDS) if each[0].startswith(start)]
    except Exception:
        # Whatever is wrong, the shell must not show it in the middle of a line.
        return []
