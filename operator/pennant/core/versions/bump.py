"""The semantic version bump that the differences between a record and its parent's require.

The largest difference decides. If it is not known whether a larger one exists, because a record lacks a digest or a
field, the bump is Unknown.

Rule: R81.
"""

from pennant.api.meta import clip
from pennant.api.model_version import ModelVersionSpec
from pennant.api.provenance import DatasetRole
from pennant.api.version_status import MAX_REASONS, Bump, ComputedBump
from pennant.core.versions.differences import COMPARISONS, Difference, Finding, Undetermined, weights_differ
from pennant.core.versions.semver import RECIPE, is_semantic

LINE = 256


def unknown(parent: str, why: str) -> ComputedBump:
    """Return the bump Unknown with this reason."""
    return ComputedBump(parent=parent, bump=Bump.UNKNOWN, reasons=(clip(why, LINE),))


def computed_bump(record: ModelVersionSpec, parent: ModelVersionSpec) -> ComputedBump:
    """Return the bump that the differences between a record and its parent's require, with the reasons.

    Between versions that are not semantic ones, the last reason says that the bump gives no version number.
    """
    bump = _largest(record, parent)
    if unordered := [each for each in (parent.version, record.version) if not is_semantic(each)]:
        verb = "is no semantic version" if len(unordered) == 1 else "are no semantic versions"
        said = f"{' and '.join(unordered)} {verb}, so this gives no version number ({RECIPE})"
        return _said(parent, bump.bump, [*bump.reasons[: MAX_REASONS - 1], said])
    return bump


def _largest(record: ModelVersionSpec, parent: ModelVersionSpec) -> ComputedBump:
    found = [each for compare in COMPARISONS for each in compare(parent, record)]
    for level in (Bump.MAJOR, Bump.MINOR, Bump.PATCH):
        different = [each.what for each in found if isinstance(each, Difference) and each.bump is level]
        if level is Bump.PATCH and different == [weights_differ(parent, record)] and not _undetermined(found, level):
            different = [f"only {different[0]}: training with the same inputs gave another result"]
        if different:
            return _said(parent, level, different)
        if undetermined := _undetermined(found, level):
            # The known differences are smaller than the possible one, and are reported as well.
            certain = [f"{each.what} ({each.bump})" for each in found if isinstance(each, Difference)]
            return _said(parent, Bump.UNKNOWN, [*undetermined, *certain])
    if _documents(parent) != _documents(record):
        return _said(parent, Bump.NONE, ["only metrics or documents differ"])
    return _said(parent, Bump.NONE, [f"duplicate of {parent.version}: nothing differs"])


def _undetermined(found: list[Finding], level: Bump) -> list[str]:
    return [each.what for each in found if isinstance(each, Undetermined) and each.bump is level]


def _said(parent: ModelVersionSpec, bump: Bump, reasons: list[str]) -> ComputedBump:
    if len(reasons) > MAX_REASONS:
        reasons = [*reasons[: MAX_REASONS - 1], f"and {len(reasons) - MAX_REASONS + 1} more"]
    return ComputedBump(parent=parent.version, bump=bump, reasons=tuple(clip(each, LINE) for each in reasons))


def _documents(record: ModelVersionSpec) -> object:
    """Return the fields that describe a model and do not change it: metrics, reports and documents."""
    others = tuple(each for each in record.datasets if each.role is not DatasetRole.TRAINING)
    said = (record.metrics, record.reports, record.model_card, others)
    return (*said, record.license, record.intended_use, record.risk)
