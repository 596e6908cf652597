"""`adopt`: write a ModelVersion and a ModelDeployment that serve what an object of the cluster or of a file serves."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import click

from pennant.api.meta import LONGEST_NAME, Json
from pennant.cli import output
from pennant.cli.adoption import words
from pennant.cli.adoption.kinds import ADOPTABLE
from pennant.cli.adoption.objects import Objects, from_files, name_of, namespace_of
from pennant.cli.adoption.pair import Pair, checked, pair_of
from pennant.cli.adoption.reading import read
from pennant.cli.adoption.record import Wishes, record_of
from pennant.cli.adoption.steps import about_services, steps
from pennant.cli.adoption.workload import Workload
from pennant.cli.errors import AlreadyTold, CliError
from pennant.cli.manifests.files import texts
from pennant.cli.names import valid
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.kube.codec import decode
from pennant.kube.http.resources import Kind

BESIDE = "-pennant"
"""What the names of objects end in that would be those of objects that exist."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The result for one object."""

    pair: Pair
    chosen: tuple[str, ...]
    """What was chosen, and why, a line each."""
    warnings: tuple[str, ...]
    steps: tuple[str, ...]


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
    return results


def _is_in(namespace: str | None, raw: Json) -> bool:
    return namespace is None or namespace_of(raw) in (None, namespace)


def _listed(found: Sequence[tuple[Kind, Json]]) -> str:
    return ", ".join(f"{words.singular(kind)}/{name_of(each)}" for kind, each in found)


def _of_one_object(target: str | None, wishes: Wishes) -> str:
    """Return the options that fit a single object only."""
    given = {"--name": target, "--model": wishes.model, "--uri": wishes.uri, "--container": wishes.container}
    return ", ".join(name for name, value in given.items() if value is not None)


def adopted(kind: Kind, raw: Json, objects: Objects, wish: str | None, wishes: Wishes) -> Adopted:
    """Return the result for one object, checked; raises `CliError` where it cannot be adopted."""
    try:
        return _adopted(kind, raw, objects, wish, wishes)
    except decode.UNREADABLE as error:
        # A file may hold anything; the API server checks what it stores.
        said = f"{words.singular(kind)}/{name_of(raw)} has a field of a wrong type ({error})"
        raise CliError(f"{said}: kubectl apply --dry-run=server names it") from error


def _adopted(kind: Kind, raw: Json, objects: Objects, wish: str | None, wishes: Wishes) -> Adopted:
    target = _target(kind, raw, objects, wish)
    workload = ADOPTABLE[kind].translated(raw, objects, target)
    record = record_of(workload, wishes)
    scaler = _scaler_name(workload, target, objects)
    pair = pair_of(workload, record, target, scaler, is_live=objects.is_live)
    findings = checked(pair, workload)
    warnings = [*objects.unread, *workload.warnings, *(each.sentence for each in findings)]
    if wish is None and target != name_of(raw):
        said = f"a Deployment {name_of(raw)} exists, so the ModelDeployment is named {target}"
        warnings.append(f"{said}; --name chooses another name")
    if objects.get(Kind.MODEL_DEPLOYMENT, target, namespace_of(raw)) is not None:
        warnings.append(f"a ModelDeployment {target} exists already: the output changes it")
    if workload.autoscaler is not None and not objects.is_live:
        said = "the files do not say how many pods the autoscaler made"
        warnings.append(f"{said}: set replicas to their number, so that the first apply ends none")
    warnings += [
        f"the address {each.uri} may have a secret in it, and a ModelVersion is none: give another one with --uri"
        for each in record.artifacts
        if re.search(r"://[^/]*@|\?", each.uri)
    ]
    told = (*record.reasons, *about_services(workload, objects))
    return Adopted(pair, told, tuple(dict.fromkeys(warnings)), tuple(steps(workload, target, objects, scaler)))


def _target(kind: Kind, raw: Json, objects: Objects, wish: str | None) -> str:
    """Return the name of the ModelDeployment: that of the object, unless another Deployment has it."""
    name = name_of(raw)
    if not name:
        raise CliError(f"a {kind} in the files has no metadata.name")
    me = words.full_name(kind, name)

    def is_taken(target: str) -> bool:
        of_another = kind is not Kind.DEPLOYMENT or target != name
        return of_another and objects.get(Kind.DEPLOYMENT, target, namespace_of(raw)) is not None

    target = valid(wish) if wish is not None else f"{name}{BESIDE}" if is_taken(name) else name
    if is_taken(target):
        raise CliError(f"a Deployment {target} exists already; choose another name for the ModelDeployment with --name")
    if len(target) > LONGEST_NAME:
        said = f"{target} has more than {LONGEST_NAME} characters, and revisions are named after the ModelDeployment"
        raise CliError(f"{said}; choose a shorter one with --name: it serves beside {me} until you delete that")
    return target


def _scaler_name(workload: Workload, target: str, objects: Objects) -> str:
    """Return the name of the new autoscaler: the old one goes on as long as the old object serves."""
    if workload.autoscaler is None or workload.adopts:
        return name_of(workload.autoscaler or {})
    return target if objects.get(Kind.AUTOSCALER, target, workload.namespace) is None else f"{target}{BESIDE}"


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
