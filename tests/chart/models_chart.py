"""examples/helm/models as Helm renders a copy of it: a team copies the chart and writes its own values."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from chart.rendering import KUBERNETES, run_helm

MODELS = Path(__file__).parents[2] / "examples" / "helm" / "models"
VALUES = {"default": MODELS / "values.yaml", "several": Path(__file__).parent / "models" / "several-values.yaml"}


def values_of(name: str) -> Any:
    return yaml.safe_load(VALUES[name].read_text())


@contextmanager
def copied(values: Any) -> Iterator[Path]:
    """Return a copy of the chart with these values."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "models"
        shutil.copytree(MODELS, copy)
        # As JSON: PyYAML writes the text 1e3 without quotes, and Helm reads a number.
        (copy / "values.yaml").write_text(json.dumps(values))
        yield copy


def rendered(values: Any, major: int = 4) -> str:
    with copied(values) as chart:
        how = ("--namespace", "risk", "--kube-version", KUBERNETES)
        return run_helm(major, "template", "models", str(chart), *how)


def linted(values: Any, major: int) -> str:
    with copied(values) as chart:
        return run_helm(major, "lint", "--strict", "--kube-version", KUBERNETES, str(chart))
