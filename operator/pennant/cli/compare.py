"""`compare`: two versions of a model, or what a ModelDeployment serves against what it is to serve."""

from pathlib import Path

import click

from pennant.api.meta import clip
from pennant.cli import clock, model_versions, names, output
from pennant.cli.comparison import data, page, reading
from pennant.cli.comparison.facts import Comparison
from pennant.cli.comparison.markdown import markdown
from pennant.cli.comparison.text import text
from pennant.cli.completion import complete_compared, complete_models
from pennant.cli.errors import CliError
from pennant.cli.manifests.files import texts
from pennant.cli.options import ClusterOptions, cluster_options, output_option
from pennant.cli.session import run

USAGE = "name two versions, as in `compare fraud-1.0.0 fraud-1.1.0`, or one ModelDeployment"


@click.command("compare", short_help="Compare two versions")
@click.argument("words", nargs=-1, metavar="[A B | NAME]", shell_complete=complete_compared)
@click.option("--model", shell_complete=complete_models, help="The model: A and B are versions of it.")
@click.option("-f", "--filename", "filenames", multiple=True, help="Files with ModelVersions; no cluster is asked.")
@cluster_options
@output_option("json", "yaml", "markdown", "html")
@click.option("--output-file", type=click.Path(dir_okay=False), help="Write to this file instead of standard output.")
def command(
    words: tuple[str, ...],
    model: str | None,
    filenames: tuple[str, ...],
    cluster: ClusterOptions,
    output: str | None,
    output_file: str | None,
) -> None:
    """Compare two ModelVersions: A is the earlier one, and deltas say how B differs from it.

    A and B are names of objects, or versions with --model. With the NAME of a ModelDeployment, the version that serves
    is compared with the one that has the tag; if that is the same, with the version that served before. With -f the
    ModelVersions come from manifest files; without names there must be two of them.
    """
    found = compared(words, model, filenames, cluster)
    shown = rendered(found, output)
    if output_file is None:
        click.echo(shown)
        return
    try:
        Path(output_file).write_text(f"{shown}\n", encoding="utf-8")
    except OSError as error:
        raise CliError(f"{output_file} cannot be written: {error.strerror}") from error


def compared(
    words: tuple[str, ...], model: str | None, filenames: tuple[str, ...], cluster: ClusterOptions
) -> Comparison:
    """Return the comparison that a user asks for; raises `CliError` where it is not clear which."""
    if filenames:
        return reading.from_files(texts(filenames), words, model)
    is_kind = len(words) == 2 and words[0].lower() in names.KINDS
    if len(words) == 2 and not is_kind:
        before, after = (model_versions.parsed(word) for word in words)
        return run(cluster, lambda session: reading.versions(session, before, after, model))
    if len(words) == 1 or is_kind:
        if model is not None:
            raise CliError(f"--model belongs to two versions; {USAGE}")
        (name,) = names.parsed(words)
        return run(cluster, lambda session: reading.deployment(session, name))
    raise CliError(USAGE)


def rendered(found: Comparison, form: str | None) -> str:
    """Return a comparison as text, `json`, `yaml`, `markdown` or `html`."""
    match form:
        case "json" | "yaml":
            return output.document(data.to_json(found), form)
        case "markdown":
            return markdown(found)
        case "html":
            return page.page(found, clock.now())
    return "\n".join(clip(line, 4096) for line in text(found).splitlines())
