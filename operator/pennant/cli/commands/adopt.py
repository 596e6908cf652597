"""The command `adopt`."""

from typing import Any

import click

from pennant.api import DEFAULT_TAG
from pennant.cli.completion import complete_adoptable, complete_models, complete_tags
from pennant.cli.options import ClusterOptions, cluster_options, output_option


@click.command("adopt", short_help="Write manifests that serve what a Deployment serves")
@click.argument("words", nargs=-1, metavar="[KIND/NAME]", shell_complete=complete_adoptable)
@click.option("-f", "--filename", "filenames", multiple=True, help="Files with the objects; no cluster is asked.")
@click.option("--name", help="The name of the ModelDeployment; that of the object if not given.")
@click.option("--model", shell_complete=complete_models, help="The name of the model; that of the object if not given.")
@click.option(
    "--version",
    help="The version; if not given, from a label, the commit or the address of the model, or the tag of the image, "
    "in this order, else 1.0.0.",
)
@click.option(
    "--uri",
    help="Where the model is, if the object does not say it: a URI with a scheme, such as s3://models/fraud/1.0.0, or "
    "an absolute path.",
)
@click.option("--tag", default=DEFAULT_TAG, show_default=True, shell_complete=complete_tags, help="The tag to follow.")
@click.option(
    "--container",
    help="The container that serves the model; if not given, the only one, the one that KServe or Seldon says, or the "
    "only one that names a model. Required if none of these decides.",
)
@cluster_options
@output_option("yaml", "json", otherwise="YAML with comments")
def command(
    words: tuple[str, ...],
    filenames: tuple[str, ...],
    name: str | None,
    cluster: ClusterOptions,
    output: str | None,
    **wishes: Any,
) -> None:
    """Write a ModelVersion and a ModelDeployment that serve what KIND/NAME serves. Nothing is changed in the cluster.

    KIND is deployment, or inferenceservice (KServe), rollout (Argo Rollouts) or seldondeployment (Seldon Core 1). A
    Deployment is taken over, without a restart of its pods if their template stays the same. The others serve on until
    you delete them; standard error has the steps, and what is not carried over. A HorizontalPodAutoscaler of the object
    is written as well.

    With -f the objects come from manifest files, with the objects that they refer to.

    Examples: adopt deployment/fraud > fraud.yaml; adopt -f manifests/ isvc/fraud
    """
    from pennant.cli import adopt as work
    from pennant.cli.adoption.record import Wishes

    work.execute(words, filenames, cluster, name, Wishes(**wishes), output)
