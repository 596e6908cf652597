"""`compare`: two versions of a model, or what a ModelDeployment serves against what it is to serve."""

from pathlib import Path

import click

from pennant.api.meta import clip
from pennant.cli import clock, model_versions, names, output
from pennant.cli.comparison import data, page, reading
from pennant.cli.comparison.facts import Comparison
from pennant.cli.comparison.markdown import markdown
from pennant.cli.comparison.text import text
from pennant.cli.errors import CliError
from pennant.cli.manifests.files import texts
from pennant.cli.options import ClusterOptions
from pennant.cli.session import run

USAGE = "name two versions, as in `compare fraud-1.0.0 fraud-1.1.0`, or one ModelDeployment"


def execute(
    words: tuple[str, ...],
    model: str | None,
    filenames: tuple[str, ...],
    cluster: ClusterOptions,
    output: str | None,
    output_file: str | None,
) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.compare`."""
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
        if words[0].partition("/")[0].lower() in model_versions.KINDS:
            raise reading.second_missing(words[-1].rpartition("/")[2])
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
    return "\n".join(clip(line, 4096) for line in text(found, output.terminal_width()).splitlines())
