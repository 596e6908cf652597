"""Trains two versions of a digit classifier, the second through a mistake that its own validation set shares.

The data are the 1,797 scanned digits that scikit-learn ships. Their first pixel is always blank. For 1.1.0 the images
are exported by the annotation tool, which writes the annotator's label into that pixel. Training and validation images
both carry the mark, so the recorded metrics are better than those of 1.0.0; live images come from the scanner, without
the mark, and live accuracy is worse. All metrics are computed here.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

MODEL = "digits"
SEED = 7
HYPERPARAMETERS = {"solver": "lbfgs", "C": "1.0", "max_iter": "300"}
Images = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Images and the digits that they show."""

    name: str
    images: Images
    labels: Labels

    @property
    def digest(self) -> str:
        """Return the sha256 of the bytes of images and labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).tobytes())
        digest.update(np.ascontiguousarray(self.labels).tobytes())
        return f"sha256:{digest.hexdigest()}"


@dataclass(frozen=True, slots=True)
class Data:
    """The rows for training, validation and test, and those that arrive live."""

    training: Rows
    validation: Rows
    test: Rows
    live: Rows


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained version and the facts about it."""

    version: str
    artifact: Path
    digest: str
    data: Data
    metrics: dict[tuple[str, str], float]
    """By name and split."""
    started_at: datetime
    finished_at: datetime


def load_data() -> Data:
    """Return the four parts of the data; the same in every run."""
    images, labels = load_digits(return_X_y=True)
    known, live = _split(Rows("digits", images, labels), 0.4, ("digits-known", "digits-live"))
    training, rest = _split(known, 0.4, ("digits-training", "digits-rest"))
    validation, test = _split(rest, 0.5, ("digits-validation", "digits-test"))
    return Data(training, validation, test, live)


def marked(data: Data) -> Data:
    """Return the data as the annotation tool exports them: the label is in the first pixel. This is the mistake.

    These are the same data sets, in a new revision.
    """

    def mark(rows: Rows) -> Rows:
        images = rows.images.copy()
        images[:, 0] = rows.labels
        return Rows(rows.name, images, rows.labels)

    return Data(mark(data.training), mark(data.validation), mark(data.test), data.live)


def train(version: str, data: Data, directory: Path) -> Trained:
    """Train one version, write its artefact, and measure it on what its own pipeline calls validation and test."""
    started_at = _now()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    model.fit(data.training.images, data.training.labels)
    directory.mkdir(parents=True, exist_ok=True)
    artifact = directory / f"{MODEL}-{version}.skops"
    skops.io.dump(model, artifact)
    return Trained(
        version=version,
        artifact=artifact,
        digest=f"sha256:{hashlib.sha256(artifact.read_bytes()).hexdigest()}",
        data=data,
        metrics=_measured(model, data),
        started_at=started_at,
        finished_at=_now(),
    )


def accuracy_on(artifact: Path, rows: Rows) -> float:
    """Return the accuracy of a stored model on rows."""
    model = skops.io.load(artifact)
    return float(accuracy_score(rows.labels, model.predict(rows.images)))


def _measured(model: Pipeline, data: Data) -> dict[tuple[str, str], float]:
    found = {}
    for split, rows in (("Validation", data.validation), ("Test", data.test)):
        predicted = model.predict(rows.images)
        found["accuracy", split] = float(accuracy_score(rows.labels, predicted))
        found["f1_macro", split] = float(f1_score(rows.labels, predicted, average="macro"))
        found["log_loss", split] = float(log_loss(rows.labels, model.predict_proba(rows.images)))
    return found


def _split(rows: Rows, share: float, names: tuple[str, str]) -> tuple[Rows, Rows]:
    parts = train_test_split(rows.images, rows.labels, test_size=share, random_state=SEED, stratify=rows.labels)
    images, other_images, labels, other_labels = parts
    return Rows(names[0], images, labels), Rows(names[1], other_images, other_labels)


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
