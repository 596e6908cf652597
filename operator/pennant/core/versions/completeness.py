"""The nine elements of a complete version record, and which of them a record has.

Each can be met by what a registry such as MLflow holds by itself, but for the reason, which a person gives.

Rule: R80, R123.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum

from pennant.api.model_version import ModelVersionSpec
from pennant.api.provenance import DatasetRole
from pennant.api.recorded_metric import Split

SPLITS = {
    DatasetRole.TRAINING: Split.TRAIN,
    DatasetRole.VALIDATION: Split.VALIDATION,
    DatasetRole.TEST: Split.TEST,
}
"""The split of a data set by its use."""


class Element(StrEnum):
    """One of the nine elements."""

    ARTIFACTS = "Artifacts"
    TRAINING_DATA = "TrainingData"
    HYPERPARAMETERS = "Hyperparameters"
    CODE = "Code"
    METRICS = "Metrics"
    CREATED_AT = "CreatedAt"
    AUTHOR = "Author"
    REASON = "Reason"
    ENVIRONMENT = "Environment"


def missing(record: ModelVersionSpec) -> tuple[Element, ...]:
    """Return the elements that a record lacks, in the order in which they are documented."""
    return tuple(element for element, has in PRESENT.items() if not has(record))


def described(elements: Iterable[Element]) -> str:
    """Return elements for a sentence; of metrics also which ones, because a record with others lacks them too."""
    return ", ".join(f"{each}{_WHICH.get(each, '')}" for each in elements)


def present(record: ModelVersionSpec) -> tuple[Element, ...]:
    """Return the elements that a record has."""
    return tuple(element for element, has in PRESENT.items() if has(record))


def _artifacts(record: ModelVersionSpec) -> bool:
    """Return whether every artefact has a digest, of itself or of the list of its files."""
    return all(each.digest or each.manifest_digest for each in record.artifacts)


def _training_data(record: ModelVersionSpec) -> bool:
    """Return whether there is a training data set, and each one has a digest and can be found.

    It is found by its URI, or by its name in the training run: a registry knows no URI of data that a program made in
    memory and logged to a run.
    """
    sets = [each for each in record.datasets if each.role is DatasetRole.TRAINING]
    is_logged = record.training is not None and bool(record.training.run)
    return bool(sets) and all(each.digest and (each.uri or is_logged) for each in sets)


def _metrics(record: ModelVersionSpec) -> bool:
    """Return whether there are metrics on validation data and on test data.

    A metric without a split belongs to that of its data set: registries know the data set of a metric, and its role.
    """
    roles = {each.name: SPLITS.get(each.role) for each in record.datasets}
    return {Split.VALIDATION, Split.TEST} <= {each.split or roles.get(each.dataset or "") for each in record.metrics}


def _environment(record: ModelVersionSpec) -> bool:
    """Return whether the environment has the digest of a lock file or of an image."""
    environment = record.environment
    return environment is not None and bool(environment.lock_digest or environment.image_digest)


_WHICH = {Element.METRICS: " (on validation data and on test data)"}
PRESENT: dict[Element, Callable[[ModelVersionSpec], bool]] = {
    Element.ARTIFACTS: _artifacts,
    Element.TRAINING_DATA: _training_data,
    Element.HYPERPARAMETERS: lambda record: bool(record.hyperparameters),
    Element.CODE: lambda record: record.code is not None,
    Element.METRICS: _metrics,
    Element.CREATED_AT: lambda record: record.created_at is not None,
    Element.AUTHOR: lambda record: record.author is not None,
    Element.REASON: lambda record: bool(record.reason),
    Element.ENVIRONMENT: _environment,
}
"""By element: whether a record has it."""
