"""Writes or checks the generated files: CustomResourceDefinitions, the reference pages of docs/, parts of argocd/."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from pennant.api import annotations, field_reference
from pennant.api import reference as conditions
from pennant.api.crd import crds
from pennant.runtime import argocd, settings_reference
from pennant.runtime.own_metrics import reference as metrics
from pennant.sync import reference as sync

CRD_DIRECTORIES = (Path("crds"), Path("charts/pennant/files/crds"))
"""Directories of the CustomResourceDefinitions, for `kubectl apply` and for the chart."""
HEADER = "# Generated from operator/pennant/api by `python -m pennant generate --write`. Do not edit.\n"


REFERENCE = Path("docs/reference")


def files(root: Path) -> dict[Path, str]:
    """Return the content of each file by its path from the root of the repository, whose other files are read."""
    examples = {
        kind: (root / REFERENCE / "examples" / f"{kind.lower()}.yaml").read_text() for kind in field_reference.MODELS
    }
    schemas = {
        directory / name: HEADER + yaml.safe_dump(crd, sort_keys=False, width=120, allow_unicode=True)
        for directory in CRD_DIRECTORIES
        for name, crd in crds().items()
    }
    fields = {REFERENCE / "fields" / name: text for name, text in field_reference.pages(examples).items()}
    return {
        **schemas,
        **fields,
        Path("docs/conditions.md"): conditions.page(),
        REFERENCE / "annotations.md": annotations.page(),
        REFERENCE / "metrics.md": metrics.page(),
        REFERENCE / "settings.md": settings_reference.page(),
        REFERENCE / "sync.md": sync.page(),
        **argocd.files(root),
    }


def main(argv: Sequence[str]) -> int:
    """Write or check the files; return the exit code: 1 where a check finds a stale file."""
    parser = argparse.ArgumentParser(prog="pennant generate", description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path(), help="root of the repository (default: .)")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files")
    action.add_argument("--check", action="store_true", help="exit with 1 if a file differs from what would be written")
    arguments = parser.parse_args(argv)
    contents = {arguments.root / path: text for path, text in files(arguments.root).items()}
    return written(contents) if arguments.write else checked(contents, "python -m pennant generate --write")


def written(contents: Mapping[Path, str]) -> int:
    """Write the files; return the exit code 0."""
    for path, text in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


def checked(contents: Mapping[Path, str], command: str) -> int:
    """Print which files are stale, and the command that writes them; return the exit code: 1 if there are any."""
    stale = [path for path, text in contents.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{path} is stale; run `{command}`", file=sys.stderr)
    return 1 if stale else 0
