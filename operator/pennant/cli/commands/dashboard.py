"""The command `dashboard`."""

import click

from pennant.cli.options import ClusterOptions, cluster_options


@click.command("dashboard", short_help="Show ModelDeployments on a local web page")
@cluster_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Show the ModelDeployments of all namespaces.")
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    default=3100,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def command(cluster: ClusterOptions, all_namespaces: bool, port: int, opens: bool) -> None:
    """Serve a read-only web page about ModelDeployments on 127.0.0.1, until it is stopped with Ctrl-C.

    It shows which version serves and since when, how it compares with the one before, whether and how you can go back,
    the revisions with their metrics, and what is quarantined and why. It reads the cluster with your kubeconfig and
    your permissions: every user of this machine who can connect to the port sees what you may see.
    """
    from pennant.cli.dashboard import verb as work

    work.execute(cluster, all_namespaces, port, opens)
