"""What an adoption results in for one object: the manifests, and what a user must know about them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pennant.api.meta import LONGEST_NAME, Json
from pennant.api.model_version import MUTABLE
from pennant.cli.adoption import words
from pennant.cli.adoption.kinds import ADOPTABLE
from pennant.cli.adoption.objects import Objects, mapping, name_of, namespace_of
from pennant.cli.adoption.outlook import outlook
from pennant.cli.adoption.pair import Pair, checked, pair_of
from pennant.cli.adoption.record import Record, Wishes, record_of
from pennant.cli.adoption.steps import about_services, steps
from pennant.cli.adoption.workload import Workload
from pennant.cli.errors import CliError
from pennant.cli.names import valid
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
    if workload.adopts:
        found = outlook(workload, pair, raw, objects)
        pair = pair.with_comment("adopt", found.comment)
        warnings += found.warnings
    if wish is None and target != name_of(raw):
        said = f"a Deployment {name_of(raw)} exists, so the ModelDeployment is named {target}"
        warnings.append(f"{said}; --name chooses another name")
    known = _same_record(record, pair.values[0], objects)
    warnings += [*_about_others(workload, record, target, objects, is_known=bool(known)), *_about_addresses(record)]
    told = (*record.reasons, *known, *about_services(workload, objects))
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


def _same_record(record: Record, version: Json, objects: Objects) -> list[str]:
    """Return that the ModelVersion is there already, with all fields as in the output but for those that may change."""
    there = next((each for each in objects.all_of(Kind.MODEL_VERSION) if name_of(each) == record.name), {})
    known, wanted = (
        {key: value for key, value in mapping(each, "spec").items() if key not in MUTABLE} for each in (there, version)
    )
    if known != wanted:
        return []
    tags = mapping(there, "spec").get("tags") or []
    moved = "" if tags == [record.tag] else f"; its tags ({', '.join(tags) or 'none'}) become {record.tag}"
    return [f"ModelVersion {record.name} exists already with the same record{moved}"]


def _about_others(
    workload: Workload, record: Record, target: str, objects: Objects, *, is_known: bool
) -> Iterator[str]:
    """Yield what the objects that are there mean for the output."""
    if objects.get(Kind.MODEL_DEPLOYMENT, target, workload.namespace) is not None:
        yield f"a ModelDeployment {target} exists already: the output changes it"
    for each in objects.all_of(Kind.MODEL_VERSION):
        spec = mapping(each, "spec")
        if name_of(each) == record.name and not is_known:
            said = f"a ModelVersion {record.name} exists already with another record, and cannot be changed"
            yield f"{said}; choose another --version"
        elif name_of(each) == record.name:
            continue
        elif spec.get("model") == record.model and record.tag in (spec.get("tags") or ()):
            said = f"{name_of(each)} has the tag {record.tag} as well, and no version is rolled out while two have it"
            yield f"{said}; choose another --tag or --model"
    if workload.autoscaler is not None and not objects.is_live:
        said = "the files do not say how many pods the autoscaler made"
        yield f"{said}: set replicas to their number, so that the first apply ends none"


def _about_addresses(record: Record) -> Iterator[str]:
    for each in record.artifacts:
        if re.search(r"://[^/]*@|\?", each.uri):
            said = f"the address {each.uri} may have a secret in it, and a ModelVersion is none"
            yield f"{said}: give another one with --uri"
