"""The command `lint`."""

import click

from pennant.cli.options import output_option

BUNDLED_KUBERNETES = "1.37"
"""The release of Kubernetes whose pod templates come with this program. It stands here so that help reads no schema."""


@click.command("lint", short_help="Check manifests offline")
@click.argument("arguments", nargs=-1, metavar="[FILE ...]", type=click.Path())
@click.option("-f", "--filename", "filenames", multiple=True, help="File or directory to check; - is stdin.")
@click.option("-R", "--recursive", is_flag=True, help="Process the directories used in -f recursively.")
@click.option("--strict", "is_strict", is_flag=True, help="Treat warnings as errors.")
@click.option(
    "--openapi",
    type=click.Path(),
    metavar="FILE",
    help="Check pod templates by this file, the output of `kubectl get --raw /openapi/v3/apis/apps/v1` for your "
    f"cluster. Default: the schema of Kubernetes {BUNDLED_KUBERNETES}.",
)
@output_option("json", "yaml", "github")
def command(
    arguments: tuple[str, ...],
    filenames: tuple[str, ...],
    recursive: bool,
    is_strict: bool,
    openapi: str | None,
    output: str | None,
) -> int:
    """Check manifests of ModelVersions and ModelDeployments without a cluster.

    Checks each field as the API server does: types, limits, unknown fields and all rules of both
    CustomResourceDefinitions, except for those that compare with the object in the cluster. Checks all files together:
    names, tags that no version or several versions have, and what the pods of a ModelDeployment lack with these
    versions: an image, or a variable such as $(MODEL_SOURCE_VERSION). Objects of other kinds are skipped.

    Checks each field of a pod template by the schema of Kubernetes, which the API server does only in the Deployment
    that the operator makes of it. A newer or older release of Kubernetes may have other fields: --openapi takes those
    of your cluster.

    Exit code 0: no errors. Exit code 1: errors, or warnings with --strict, or nothing to check: no ModelVersion and no
    ModelDeployment in all of the files.
    """
    from pennant.cli import lint as work

    return work.execute(arguments, filenames, recursive, is_strict, openapi, output)
