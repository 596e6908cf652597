"""Writes or checks the files that are made of the OpenAPI documents of the API server of the rig.

`python -m cluster.schemas --write` starts an API server, which other generated files do not need.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cluster import kustomize_schema
from pennant.cli.manifests import openapi
from pennant.generate import checked, written
from rig import Rig

ROOT = Path(__file__).parents[2]
COMMAND = "python -m cluster.schemas --write"


def files(rig: Rig) -> dict[Path, str]:
    """Return the content of each file by its path."""
    kubernetes = openapi.parsed(rig.kubectl("get", "--raw", openapi.DOCUMENT).stdout)
    whole = json.loads(rig.kubectl("get", "--raw", kustomize_schema.DOCUMENT).stdout)
    return {
        ROOT / "operator/pennant/cli/manifests" / openapi.BUNDLED: openapi.text(kubernetes),
        ROOT / "charts/pennant/kustomize/schema.json": kustomize_schema.text(whole),
    }


def main(argv: Sequence[str]) -> int:
    """Write or check the files; return the exit code: 1 where a check finds a stale file."""
    parser = argparse.ArgumentParser(prog="cluster.schemas", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files")
    action.add_argument("--check", action="store_true", help="exit with 1 if a file differs from what would be written")
    is_writing = parser.parse_args(argv).write
    parts = ("etcd", "kube-apiserver")
    with tempfile.TemporaryDirectory() as directory, Rig.start(Path(directory) / "rig", parts) as rig:
        contents = files(rig)
    return written(contents) if is_writing else checked(contents, COMMAND)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
