"""The differences between a record and its parent's, each with the bump that it requires.

In: two records. Out: findings: differences, and what the records cannot show because they lack a digest or a field.

Rule: R81.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pennant.api.artifacts import Artifact, Tensor
from pennant.api.model_version import ModelVersionSpec
from pennant.api.number import equal_texts
from pennant.api.provenance import Dataset, DatasetRole
from pennant.api.version_status import Bump
from pennant.core.facts.digest import comparable


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference, and the bump that it requires."""

    bump: Bump
    what: str


@dataclass(frozen=True, slots=True)
class Undetermined:
    """A possible difference that the records cannot show, and the bump that it would require."""

    bump: Bump
    what: str


Finding = Difference | Undetermined


def _signature(old: ModelVersionSpec, new: ModelVersionSpec) -> Iterator[Finding]:
    """Compare inputs and outputs; without a schema, equal weights mean an equal signature."""
    before, after = old.schema_, new.schema_
    listed = before is not None and after is not None and all(s.inputs or s.outputs for s in (before, after))
    if before is not None and after is not None and listed:
        yield from _tensors("input", before.inputs, after.inputs)
        yield from _tensors("output", before.outputs, after.outputs)
    elif before is not None and after is not None and before.digest and after.digest:
        if comparable(before.digest) != comparable(after.digest):
            yield Undetermined(Bump.MAJOR, "schema.digest differs, and not both records list inputs and outputs")
    elif _same_weights(old, new) is not True:
        yield Undetermined(Bump.MAJOR, f"spec.schema is missing in {_lacking(old, before, new, after)}")


def _tensors(kind: str, before: tuple[Tensor, ...], after: tuple[Tensor, ...]) -> Iterator[Finding]:
    old, new = (_by_name(some) for some in (before, after))
    for name in sorted(old.keys() - new.keys()):
        yield Difference(Bump.MAJOR, f"{kind} {name} was removed")
    for name in sorted(new.keys() & old.keys()):
        yield from _retyped(f"{kind} {name}", old[name], new[name])
    for name in sorted(new.keys() - old.keys()):
        # An input is required unless the record says otherwise.
        if kind == "input" and new[name].required is not False:
            yield Difference(Bump.MAJOR, f"required input {name} was added")
        else:
            yield Difference(Bump.MINOR, f"{kind} {name} was added")


def _by_name(tensors: tuple[Tensor, ...]) -> Mapping[str, Tensor]:
    """Return tensors by name; one without a name by its position, the first is 1."""
    return {each.name or f"number {number}": each for number, each in enumerate(tensors, 1)}


def _sizes(tensor: Tensor) -> tuple[int | str, ...]:
    """Return the dimensions of a tensor, with -1 for each that may have any size, whatever its name."""
    return tuple(-1 if isinstance(each, str) else each for each in tensor.shape)


def _retyped(what: str, old: Tensor, new: Tensor) -> Iterator[Finding]:
    if old.type != new.type:
        yield Difference(Bump.MAJOR, f"the type of {what} changed from {old.type} to {new.type}")
    elif old.shape and new.shape and _sizes(old) != _sizes(new):
        yield Difference(Bump.MAJOR, f"the shape of {what} changed from {list(old.shape)} to {list(new.shape)}")
    elif what.startswith("input") and old.required is False and new.required is not False:
        yield Difference(Bump.MAJOR, f"{what} changed from optional to required")


def _format(old: ModelVersionSpec, new: ModelVersionSpec) -> Iterator[Finding]:
    before, after = ({each.name: each for each in some.artifacts} for some in (old, new))
    for name in sorted(before.keys() ^ after.keys()):
        yield Difference(Bump.MAJOR, f"artefact {name} was {'removed' if name in before else 'added'}")
    for name in sorted(before.keys() & after.keys()):
        was, now = before[name].format, after[name].format
        if was is not None and now is not None and was != now:
            formats = [" ".join(filter(None, (each.name, each.version))) for each in (was, now)]
            yield Difference(Bump.MAJOR, f"the format of artefact {name} changed from {formats[0]} to {formats[1]}")
        elif (was is None) != (now is None) and _same(before[name], after[name]) is not True:
            yield Undetermined(Bump.MAJOR, f"only one record has the format of artefact {name}")


def _base_model(old: ModelVersionSpec, new: ModelVersionSpec) -> Iterator[Finding]:
    """Compare the models that these were fine-tuned from; another revision of one is another model."""
    before, after = old.base_model, new.base_model
    if before is None or after is None:
        if (before or after) and _same_weights(old, new) is not True:
            yield Undetermined(Bump.MAJOR, f"spec.baseModel is missing in {_lacking(old, before, new, after)}")
        return
    if before.name != after.name:
        yield Difference(Bump.MAJOR, f"the base model changed from {before.name} to {after.name}")
        return
    digests = (comparable(before.digest), comparable(after.digest))
    for was, now in (digests, (before.revision, after.revision), (before.uri, after.uri)):
        if was and now:
            if was != now:
                yield Difference(Bump.MAJOR, f"the base model {after.name} changed from {was} to {now}")
            return


def _training_data(old: ModelVersionSpec, new: ModelVersionSpec) -> Iterator[Finding]:
    """Compare training data sets: another name is another data set, another digest a new revision of the same one."""
    before, after = (_training_sets(each) for each in (old, new))
    if not (before and after):
        if before or after or _same_weights(old, new) is not True:
            yield Undetermined(
                Bump.MAJOR, f"a data set with the role Training is missing in {_lacking(old, before, new, after)}"
            )
        return
    for name in sorted(before.keys() ^ after.keys()):
        yield Difference(Bump.MAJOR, f"training data set {name} was {'removed' if name in before else 'added'}")
    for name in sorted(before.keys() & after.keys()):
        was, now = before[name], after[name]
        if was.digest and now.digest:
            if comparable(was.digest) != comparable(now.digest):
                yield Difference(Bump.MINOR, f"the digest of training data set {name} changed")
        elif was.version and now.version and was.version != now.version:
            yield Difference(
                Bump.MINOR, f"training data set {name} changed from version {was.version} to {now.version}"
            )
        else:
            lacking = _lacking(old, was.digest, new, now.digest)
            yield Undetermined(Bump.MINOR, f"training data set {name} has no digest in {lacking}")


def _training_sets(record: ModelVersionSpec) -> Mapping[str, Dataset]:
    return {each.name: each for each in record.datasets if each.role is DatasetRole.TRAINING}


def _hyperparameters(old: ModelVersionSpec, new: ModelVersionSpec) -> Iterator[Finding]:
    before, after = ({each.name: each.value for each in some.hyperparameters} for some in (old, new))
    names = before.keys() | after.keys()
    changed = sorted(name for name in names if not equal_texts(before.get(name), after.get(name)))
    if changed:
        yield Difference(Bump.MINOR, f"hyperparameters differ: {', '.join(changed)}")


def _code(old: ModelVersionSpec, new: ModelVersionSpec) -> Iterator[Finding]:
    before, after = old.code, new.code
    if before is None or after is None:
        if before or after or _same_weights(old, new) is not True:
            yield Undetermined(Bump.MINOR, f"spec.code is missing in {_lacking(old, before, new, after)}")
        return
    if (before.repository, before.path, before.uri) != (after.repository, after.path, after.uri):
        yield Difference(Bump.MINOR, "the repository, the path or the URI of the training code changed")
    elif before.commit and after.commit:
        if before.commit != after.commit:
            yield Difference(
                Bump.MINOR, f"the training code changed from commit {before.commit[:12]} to {after.commit[:12]}"
            )
        elif before.dirty or after.dirty:
            yield Undetermined(Bump.MINOR, f"the training code at commit {after.commit[:12]} had uncommitted changes")
    elif before.digest and after.digest:
        if comparable(before.digest) != comparable(after.digest):
            yield Difference(Bump.MINOR, "the digest of the training code changed")
    elif before.tag != after.tag:
        yield Difference(Bump.MINOR, f"the training code changed from tag {before.tag} to {after.tag}")
    else:
        yield Undetermined(Bump.MINOR, "the training code has no commit and no digest, and a tag may have been moved")


def _preprocessing(old: ModelVersionSpec, new: ModelVersionSpec) -> Iterator[Finding]:
    before, after = old.preprocessing, new.preprocessing
    if before is None or after is None:
        if before is not after:
            yield Difference(Bump.PATCH, f"preprocessing was {'removed' if before else 'added'}")
        return
    for was, now in ((comparable(before.digest), comparable(after.digest)), (before.commit, after.commit)):
        if was and now:
            if was != now:
                yield Difference(Bump.PATCH, "preprocessing differs")
            return
    lacking = _lacking(old, before.digest, new, after.digest)
    yield Undetermined(Bump.PATCH, f"preprocessing has no digest in {lacking}")


def _environment(old: ModelVersionSpec, new: ModelVersionSpec) -> Iterator[Finding]:
    before, after = old.environment, new.environment
    if before is None and after is None and _same_weights(old, new) is True:
        return
    digests = [
        (each.lock_digest or each.image_digest, each.lock_digest, each.image_digest) if each else (None, None, None)
        for each in (before, after)
    ]
    (any_old, *was), (any_new, *now) = digests
    both = [(a, b) for a, b in zip(was, now, strict=True) if a and b]
    if any(comparable(a) != comparable(b) for a, b in both):
        yield Difference(Bump.PATCH, "the environment differs")
    elif not both:
        lacking = _lacking(old, any_old, new, any_new)
        yield Undetermined(
            Bump.PATCH, f"the environment has no digest {f'in {lacking}' if lacking else 'of the same kind'}"
        )


def _serving(old: ModelVersionSpec, new: ModelVersionSpec) -> Iterator[Finding]:
    if old.serving != new.serving:
        images = [each.serving.image if each.serving else None for each in (old, new)]
        what = "the serving image differs" if images[0] != images[1] else "the serving configuration differs"
        yield Difference(Bump.PATCH, what)


def _weights(old: ModelVersionSpec, new: ModelVersionSpec) -> Iterator[Finding]:
    if (differ := weights_differ(old, new)) is not None:
        yield Difference(Bump.PATCH, differ)
    elif _same_weights(old, new) is None:
        yield Undetermined(Bump.PATCH, "not every artefact has a digest of the same kind in both records")


def weights_differ(old: ModelVersionSpec, new: ModelVersionSpec) -> str | None:
    """Return that the artefacts have other bytes; None: they have the same, or it is not known."""
    return "the weights differ" if _same_weights(old, new) is False else None


def _same_weights(old: ModelVersionSpec, new: ModelVersionSpec) -> bool | None:
    """Return whether the artefacts of both records have equal digests; None: digests of the same kind are missing."""
    before, after = ({each.name: each for each in some.artifacts} for some in (old, new))
    if before.keys() != after.keys():
        return False
    same = [_same(before[name], after[name]) for name in before]
    if False in same:
        return False
    return None if None in same else True


def _same(old: Artifact, new: Artifact) -> bool | None:
    for was, now in ((old.digest, new.digest), (old.manifest_digest, new.manifest_digest)):
        if was and now and was.partition(":")[0] == now.partition(":")[0]:
            return comparable(was) == comparable(now)
    return None


def _lacking(old: ModelVersionSpec, was: object, new: ModelVersionSpec, now: object) -> str:
    """Return the versions that lack a value, joined by `and`."""
    return " and ".join(each.version for each, has in ((old, was), (new, now)) if not has)


COMPARISONS: tuple[Callable[[ModelVersionSpec, ModelVersionSpec], Iterator[Finding]], ...] = (
    _signature,
    _format,
    _base_model,
    _training_data,
    _hyperparameters,
    _code,
    _preprocessing,
    _environment,
    _serving,
    _weights,
)
"""The comparisons, in the order of their reasons."""
