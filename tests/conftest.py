"""What holds for all tests, and the control plane that those share that need one."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig import Rig
from rig.place import DEFAULT_PARTS

ROOT = Path(__file__).parent.parent

# A shell ignores SIGINT in what it runs in the background, and children inherit that: then Ctrl-C could not be tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Without this, pytest-asyncio asks for "the current loop", which makes one that nobody closes.
asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Start a control plane with our CRDs, once for the whole session."""
    # Twice as often as the tests look: a scrape that comes late must not look like missing data.
    parts = (*DEFAULT_PARTS, "alertmanager")
    with Rig.start(tmp_path_factory.mktemp("rig"), parts, scrape_interval="500ms") as running:
        running.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        running.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield running
