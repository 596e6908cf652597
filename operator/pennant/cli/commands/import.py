"""The command `import`."""

import textwrap
from functools import partial
from pathlib import Path
from typing import Any

import click

from pennant.cli.options import ClusterOptions, cluster_options, dry_run_option, output_option
from pennant.registries.catalogue import KINDS


def _registries() -> str:
    """Return how each registry is named, as a part of the help that click leaves as it is."""
    wrapped = partial(textwrap.wrap, width=76, initial_indent="    ", subsequent_indent="    ")
    lines = ["\b", "Registries, with what --from takes and where credentials come from:"]
    for name, kind in KINDS.items():
        extra = f"; needs pip install 'pennant[{kind.extra}]'" if kind.extra else ""
        lines += [f"  {name}", *wrapped(f"{kind.address}"), *wrapped(f"{kind.credentials}{extra}")]
    return "\n".join(lines)


@click.command("import", epilog=_registries(), short_help="Import versions of another registry")
@click.argument("registry", metavar="REGISTRY|FILE")
@click.argument("models", nargs=-1, metavar="[MODEL ...]")
@click.option("--from", "address", metavar="ADDRESS", help="Where the registry is; see the list below.")
@click.option(
    "--all-versions", "is_all", is_flag=True, help="All versions; otherwise the newest one and those with an alias."
)
@click.option("--since", metavar="TIME", help="All versions created since then, such as 2026-05-01.")
@click.option("--as-semver", is_flag=True, help="Name the versions as semantic ones: 3 becomes 3.0.0.")
@click.option(
    "--tag-alias",
    "aliases",
    multiple=True,
    metavar="ALIAS[=TAG]",
    help="Give a new version the tag of its alias; no version gets a tag by default.",
)
@click.option("--repository", metavar="URL", help="Where the code is, if the registry only has its commit.")
@click.option("--verify", "is_verified", is_flag=True, help="Download the artefacts and record their sha256.")
@click.option("--write", metavar="DIR", type=click.Path(), help="Write a manifest for each version into DIR.")
@click.option("--apply", "is_applied", is_flag=True, help="Create the versions in the cluster.")
@cluster_options
@dry_run_option
@output_option("yaml", "json", "name")
def command(registry: str, models: tuple[str, ...], cluster: ClusterOptions, **options: Any) -> None:
    """Import versions of MODEL, or of all models, from REGISTRY. The registry is only read.

    With a FILE that `export` wrote, it does what `restore FILE` does.

    Prints the manifests, or writes them into DIR with --write, or creates the objects with --apply. A version that is
    there already is not changed: it is unchanged, or it is an error if the registry says something else. So the same
    command can be run again after a failure.

    Exit code 0: all versions are there. Exit code 1: a version could not be imported; the others were.
    """
    if registry not in KINDS:
        _restore(registry, models, cluster, options)
        return
    from pennant.cli.importing import verb as work

    work.execute(registry, models, cluster, work.Options(**options))


def _restore(filename: str, models: tuple[str, ...], cluster: ClusterOptions, options: dict[str, Any]) -> None:
    """Restore an export; raises `click.UsageError` for what is no file, and for options of a registry."""
    if filename != "-" and not Path(filename).is_file():
        raise click.UsageError(f"{filename} is no registry and no file; registries are: {', '.join(KINDS)}")
    dry_run = options.pop("dry_run")
    given = [name for name in options if _is_given(name)]
    if models or given:
        raise click.UsageError("a file takes no models and none of the options of a registry; see restore --help")
    from pennant.cli import restore as work

    work.execute(filename, cluster, without_deployment=False, verify=False, dry_run=dry_run)


def _is_given(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE
