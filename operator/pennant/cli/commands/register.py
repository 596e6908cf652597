"""The command `register`."""

from typing import Any

import click

from pennant.cli.completion import complete_models, complete_tags
from pennant.cli.options import ClusterOptions, cluster_options, dry_run_option, object_output_option


@click.command("register", short_help="Register a new version of a model")
@click.argument("model", shell_complete=complete_models)
@click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    metavar="[NAME=]PATH|URL",
    help="File, directory or URL of the model, whose sha256 is computed. URL@sha256:... is not read. The default name "
    "is model. May be given again, with names.",
)
@click.option(
    "--uri",
    "uris",
    multiple=True,
    metavar="[NAME=]URI",
    help="Where others find the artefact or data set. {model}, {version} and {sha256} are replaced.",
)
@click.option(
    "--metrics",
    multiple=True,
    metavar="[SPLIT=]FILE",
    help="Metrics as JSON, YAML or CSV. SPLIT is train, validation or test.",
)
@click.option("--maximize", multiple=True, metavar="METRIC", help="A metric of which larger values are better.")
@click.option("--minimize", multiple=True, metavar="METRIC", help="A metric of which smaller values are better.")
@click.option("--params", multiple=True, metavar="FILE", help="Hyperparameters as JSON, YAML or TOML.")
@click.option(
    "--env",
    metavar="FILE",
    type=click.Path(),
    help="Lock file of the environment; if not given, the only one that is found.",
)
@click.option("--dataset", "datasets", multiple=True, metavar="NAME=PATH|URL", help="Training data.")
@click.option("--validation-dataset", "validation", multiple=True, metavar="NAME=PATH|URL", help="Validation data.")
@click.option("--test-dataset", "tests", multiple=True, metavar="NAME=PATH|URL", help="Test data.")
@click.option("--schema", metavar="FILE", type=click.Path(), help="Inputs and outputs of the model, as spec.schema.")
@click.option("--spec", metavar="FILE", type=click.Path(), help="Other fields of spec, as JSON, YAML or TOML.")
@click.option("--author", help="Author; if not given, who started the CI job, or the user.name of git.")
@click.option("--reason", help="Why the version was created.")
@click.option(
    "--created-at", metavar="TIME", help="RFC 3339, or milliseconds since 1970; if not given, the present time."
)
@click.option("--parent", metavar="VERSION", help="Version to compare with; if not given, the highest one.")
@click.option(
    "--bump",
    type=click.Choice(("major", "minor", "patch")),
    help="Increment at least this part of the number.",
)
@click.option("--version", metavar="VERSION", help="The version, instead of the next number.")
@click.option("--tag", "tags", multiple=True, shell_complete=complete_tags, help="Tag of the version; none by default.")
@click.option(
    "-f",
    "--filename",
    "filenames",
    multiple=True,
    type=click.Path(),
    help="File or directory with the manifests of earlier versions.",
)
@click.option("--write", metavar="DIR", type=click.Path(), help="Write a new manifest into DIR, and read those in it.")
@click.option("--apply", "is_applied", is_flag=True, help="Create the version in the cluster, and read those in it.")
@cluster_options
@dry_run_option
@object_output_option
def command(model: str, cluster: ClusterOptions, **options: Any) -> None:
    """Register a new version of MODEL, at the end of a training pipeline.

    Reads the git commit, dvc.lock and .dvc files, the lock file of the environment, an MLmodel file or the header of an
    ONNX or safetensors file, and the variables of GitHub Actions and GitLab CI. The number follows from the differences
    between the record and that of its parent, and --bump may raise it. Prints the manifest, or writes it into DIR with
    --write, or creates the object with --apply. Never asks a question, and never changes a version that exists.

    Exit code 0: registered. Exit code 1: an error. Exit code 3: a version with the same content exists.
    """
    from pennant.cli import register as work

    work.execute(model, cluster, work.Options(**options))
