"""Completion: `kubectl_complete-pennant`, which kubectl calls, and what completes names of objects.

Kubectl calls the program with the words after `kubectl pennant`, the last of them being completed, and expects one
candidate per line, optionally with a tab and a description, and last a line `:` with a directive. Source: kubectl's
`pluginCompletion` and cobra's ShellCompDirective; 4 stands for "no file names".
"""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pennant.api import DEFAULT_TAG

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

    if list(words) in ([], ["help"]) and not incomplete.startswith("-"):
        return [(name, summary) for name, summary in VERBS.items() if name.startswith(incomplete)]
    from click.shell_completion import ShellComplete

    from pennant.cli.main import cli

    completer = ShellComplete(cli, {}, "kubectl pennant", "_PENNANT_COMPLETE")
    return [(item.value, item.help or "") for item in completer.get_completions(list(words), incomplete)]


def complete_deployments(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the names of ModelDeployments that begin like this, in the form in which the user types them."""
    kind, slash, start = incomplete.rpartition("/")
    return [_item(f"{kind}{slash}{name}", version) for name, version in _names(ctx, "modeldeployments", start)]


def complete_version_names(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the names of ModelVersions that begin like this; each is `<model>-<version>`."""
    kind, slash, start = incomplete.rpartition("/")
    return [_item(f"{kind}{slash}{name}", words) for name, words in _names(ctx, "modelversions", start)]


def complete_exported(ctx: "click.Context", parameter: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return what `export` takes: a ModelDeployment, or a ModelVersion after its kind."""
    given = [*(ctx.params.get("words") or ()), incomplete][0].partition("/")[0].lower()
    is_version = given in ("modelversion", "modelversions", "mver", "mv")
    return (complete_version_names if is_version else complete_deployments)(ctx, parameter, incomplete)


def complete_compared(ctx: "click.Context", parameter: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return what `compare` takes next: a version or a ModelDeployment, then another version of the same model."""
    given = list(ctx.params.get("words") or ())
    if len(given) > 1:
        return []
    versions = {str(each["metadata"]["name"]): each.get("spec") or {} for each in _objects(ctx, "modelversions")}
    if (model := ctx.params.get("model")) is not None:
        found = [str(each.get("version")) for each in versions.values() if each.get("model") == model]
        return [_item(each, "") for each in found if each.startswith(incomplete) and each not in given]
    offered = complete_version_names(ctx, parameter, incomplete)
    if not given:
        return [*offered, *complete_deployments(ctx, parameter, incomplete)]
    first = versions.get(given[0].rpartition("/")[2], {}).get("model")
    same = {name for name, each in versions.items() if first is not None and each.get("model") == first}
    return [each for each in offered if each.value not in given and each.value.rpartition("/")[2] in same]


def complete_adoptable(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return what `adopt` takes next: a kind, then names of its objects, also after `kind/`."""
    from pennant.cli.adoption.words import SHORT, TOOLS, kinds_by_word, singular
    from pennant.kube.http.resources import RESOURCES

    given = list(ctx.params.get("words") or ())
    word, slash, start = incomplete.rpartition("/")
    if not given and not slash:
        return [_item(singular(each), TOOLS.get(each, "")) for each in SHORT if singular(each).startswith(start)]
    kind = kinds_by_word().get((given[0] if given else word).lower())
    if kind is None or len(given) > 1:
        return []
    return [_item(f"{word}{slash}{name}", words) for name, words in _names(ctx, RESOURCES[kind].full_name, start)]


def complete_quarantined(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the versions that are quarantined in the ModelDeployment of the command line, each with the reason."""
    found = {str(each.get("version")): str(each.get("reason")) for each in _status(ctx).get("quarantine") or ()}
    return [_item(version, reason) for version, reason in found.items() if version.startswith(incomplete)]


def complete_revisions(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the revisions of the ModelDeployment of the command line, the newest first, with version and outcome.

    Of older revisions the status has no outcome.
    """
    status = _status(ctx)
    found = {int(each["revision"]): str(each.get("version")) for each in status.get("olderRevisions") or ()}
    found |= {
        int(each["revision"]): f"{each.get('version')}, {each.get('outcome')}" for each in status.get("history") or ()
    }
    newest_first = sorted(found.items(), reverse=True)
    return [_item(str(number), words) for number, words in newest_first if str(number).startswith(incomplete)]


def complete_former_versions(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the versions in the history of the ModelDeployment of the command line, each with its last outcome.

    Of older revisions the status has no outcome.
    """
    status = _status(ctx)
    found = {str(each.get("version")): "" for each in status.get("olderRevisions") or ()}
    found |= {str(each.get("version")): str(each.get("outcome")) for each in status.get("history") or ()}
    return [_item(version, outcome) for version, outcome in found.items() if version.startswith(incomplete)]


def complete_tags(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the tags that versions have or ModelDeployments follow, and that begin like this."""
    tags = {str(tag) for each in _objects(ctx, "modelversions") for tag in each.get("spec", {}).get("tags") or ()}
    tags |= {str(each.get("spec", {}).get("tag") or DEFAULT_TAG) for each in _objects(ctx, "modeldeployments")}
    return [_item(each, "") for each in sorted(tags) if each.startswith(incomplete)]


def complete_models(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the models that begin like this."""
    found = {str(each.get("spec", {}).get("model", "")) for each in _objects(ctx, "modelversions")}
    return [_item(each, "") for each in sorted(found) if each.startswith(incomplete)]


def complete_contexts(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the contexts of the kubeconfig that begin like this."""
    from pennant.cli import names

    try:
        return [_item(each, "") for each in names.contexts(_params(ctx)) if each.startswith(incomplete)]
    except Exception:
        # As for the names of objects.
        return []


def complete_namespaces(ctx: "click.Context", _: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return the namespaces that begin like this."""
    return [_item(name, "") for name, _ in _names(ctx, "namespaces", incomplete)]


def _params(ctx: "click.Context") -> Mapping[str, Any]:
    """Return the values of the command line; options after the verb have precedence over the same ones before it."""
    return {**ctx.find_root().params, **{name: each for name, each in ctx.params.items() if each is not None}}


def _item(value: str, description: str) -> "CompletionItem":
    from click.shell_completion import CompletionItem

    return CompletionItem(value, help=description or None)


def _names(ctx: "click.Context", plural: str, start: str) -> list[tuple[str, str]]:
    """Return names of objects that begin like this, each with a few words."""
    from pennant.cli import names

    found = ((str(each["metadata"]["name"]), names.words_about(plural, each)) for each in _objects(ctx, plural))
    return [each for each in found if each[0].startswith(start)]


def _status(ctx: "click.Context") -> Mapping[str, Any]:
    """Return the status of the ModelDeployment that the command line names; empty where it names none or several."""
    from pennant.cli import names

    # While the value of an option is completed, click has not made arguments of the words before it.
    given = ctx.params.get("names") or filter(None, (ctx.params.get("name"),))
    wanted = names.plain((*given, *ctx.args))
    found = [each for each in _objects(ctx, "modeldeployments") if each["metadata"]["name"] in wanted]
    return (found[0].get("status") or {}) if len(found) == 1 else {}


def _objects(ctx: "click.Context", plural: str) -> Sequence[Mapping[str, Any]]:
    """Return objects; an empty list where the cluster cannot be asked. They are read once for each word."""
    from pennant.cli import names

    known: dict[str, Sequence[Mapping[str, Any]]] = ctx.meta.setdefault("pennant.cli.completion", {})
    if plural not in known:
        try:
            known[plural] = names.listed(_params(ctx), plural, NAME_SECONDS)
        except Exception:
            # Whatever is wrong, the shell must not show it in the middle of a line.
            known[plural] = ()
    return known[plural]
