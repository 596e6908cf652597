"""`adopt`: write a ModelVersion and a ModelDeployment that serve what an object of the cluster or of a file serves."""

from collections.abc import Sequence

import click

from pennant.api.meta import Json
from pennant.cli import output
from pennant.cli.adoption import words
from pennant.cli.adoption.kinds import ADOPTABLE
from pennant.cli.adoption.objects import Objects, from_files, name_of, namespace_of
from pennant.cli.adoption.pair import problems
from pennant.cli.adoption.reading import read
from pennant.cli.adoption.record import Wishes
from pennant.cli.adoption.result import BESIDE, Adopted, adopted
from pennant.cli.errors import AlreadyTold, CliError
from pennant.cli.manifests.files import texts
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.kube.http.resources import Kind


def execute(
    arguments: tuple[str, ...],
    filenames: tuple[str, ...],
    cluster: ClusterOptions,
    name: str | None,
    wishes: Wishes,
    form: str | None,
) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.adopt`."""
    asked = words.parsed(arguments) if arguments else None
    if filenames:
        results = of_files(from_files(texts(filenames)), asked, cluster.namespace, name, wishes)
    elif asked is not None:
        results = [run(cluster, lambda session: of_cluster(session, *asked, name, wishes))]
    else:
        raise CliError("required resource not specified; name an object, such as deployment/fraud, or use -f")
    click.echo(rendered(results, form))
    for each in results:
        tell(each)


async def of_cluster(session: Session, kind: Kind, name: str, target: str | None, wishes: Wishes) -> Adopted:
    """Return the result for an object of the cluster."""
    raw, objects = await read(session, kind, name, target or f"{name}{BESIDE}")
    return adopted(kind, raw, objects, target, wishes)


def of_files(
    objects: Objects, asked: tuple[Kind, str] | None, namespace: str | None, target: str | None, wishes: Wishes
) -> list[Adopted]:
    """Return the results for the objects of files, or for the one that is asked for.

    Raises `CliError` where there is none; `AlreadyTold` where one fails, so that nothing is written.
    """
    there = [(kind, each) for kind in ADOPTABLE for each in objects.all_of(kind) if _is_in(namespace, each)]
    # The Deployment that a Rollout takes its pod template from is no model of its own.
    used = {other for kind, each in there for other in ADOPTABLE[kind].wanted(each) if kind is Kind.ROLLOUT}
    chosen = [
        (kind, each)
        for kind, each in there
        if asked == (kind, name_of(each)) or (asked is None and (kind, name_of(each)) not in used)
    ]
    if not chosen:
        what = f"{words.singular(asked[0])}/{asked[1]}" if asked else "object that can be adopted"
        raise CliError(f"no {what} in the files; there are: {_listed(there) or 'none'}")
    if len(chosen) > 1 and (own := _of_one_object(target, wishes)):
        listed = _listed(chosen)
        raise CliError(f"{own} belongs to one object, and there are {len(chosen)}: name one of {listed}")
    results, errors = list[Adopted](), list[str]()
    for kind, raw in chosen:
        try:
            results.append(adopted(kind, raw, objects, target, wishes))
        except CliError as error:
            errors.append(str(error))
    if errors and len(chosen) == 1:
        raise CliError(errors[0])
    for each in errors:
        click.echo(f"error: {each}", err=True)
    if errors:
        raise AlreadyTold()
    if together := [each for each in problems(rendered(results, None)) if each.is_error]:
        said = "; ".join(f"{each.object}: {each.sentence}" for each in together)
        raise CliError(f"the objects cannot be adopted together: {said}. Adopt each by itself, with --model and --name")
    return results


def _is_in(namespace: str | None, raw: Json) -> bool:
    return namespace is None or namespace_of(raw) in (None, namespace)


def _listed(found: Sequence[tuple[Kind, Json]]) -> str:
    return ", ".join(f"{words.singular(kind)}/{name_of(each)}" for kind, each in found)


def _of_one_object(target: str | None, wishes: Wishes) -> str:
    """Return the options that fit a single object only."""
    given = {"--name": target, "--model": wishes.model, "--uri": wishes.uri, "--container": wishes.container}
    return ", ".join(name for name, value in given.items() if value is not None)


def rendered(results: Sequence[Adopted], form: str | None) -> str:
    """Return the manifests as YAML documents with comments, or with `json` as a list."""
    if form == "json":
        return output.document(output.listed([value for each in results for value in each.pair.values]), "json")
    return "\n---\n".join(each.pair.text for each in results)


def tell(result: Adopted) -> None:
    """Say on standard error what was chosen, what is lost, and what to do next."""
    for line in result.chosen:
        click.echo(line, err=True)
    for each in result.warnings:
        output.warn(each)
    click.echo("Next:", err=True)
    for number, each in enumerate(result.steps, start=1):
        command, _, does = each.partition(" # ")
        click.echo(f"  {number}. {does}:\n     {command}", err=True)
