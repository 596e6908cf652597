"""Why a container ended, as it says itself: in a file, or at the end of its log.

As a kubelet does it: `getTerminationMessage` of pkg/kubelet/kuberuntime/kuberuntime_container.go.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

LONGEST_MESSAGE = 4096
LONGEST_LOG = 2048
MOST_LINES = 80
DEFAULT_PATH = "/dev/termination-log"


def prepare(spec: Mapping[str, Any], directory: Path) -> Path:
    """Return the empty file into which a container may write why it ends."""
    place = directory / str(spec.get("terminationMessagePath") or DEFAULT_PATH).strip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"")
    return place


def read(spec: Mapping[str, Any], place: Path, log: Path, return_code: int) -> str:
    """Return what a container that ended has said about it."""
    said = place.read_bytes()[:LONGEST_MESSAGE] if place.is_file() else b""
    if not said and return_code != 0 and spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
        said = b"".join(log.read_bytes()[-LONGEST_LOG:].splitlines(keepends=True)[-MOST_LINES:])
    return said.decode(errors="replace")
