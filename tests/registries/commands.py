"""The command line as a user runs it, in this process."""

from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from pennant.cli.main import main
from pennant.cli.manifests.findings import report


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def specs(self) -> list[Any]:
        """The specs of the manifests that were printed."""
        return [each["spec"] for each in yaml.safe_load_all(self.out)]

    @property
    def errors(self) -> list[str]:
        """What `pennant lint` says against the manifests."""
        return [each.sentence for each in report([("out", self.out)]).findings if each.severity == "error"]


def ran(capsys: pytest.CaptureFixture[str], *words: str) -> Ran:
    """Run `pennant import` with these words."""
    capsys.readouterr()
    code = main(["import", *words])
    said = capsys.readouterr()
    return Ran(code, said.out, said.err)
