"""What holds for all tests, and the control plane that those share that need one."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rig import Rig
from rig.place import DEFAULT_PARTS

ROOT = Path(__file__).parent.parent

# A shell ignores SIGINT in what it runs in the background, and children inherit that: then Ctrl-C could not be tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Without this, pytest-asyncio asks for "the current loop", which makes one that nobody closes.
asyncio.set_event_loop(None)


@contextmanager
def control_plane(directory: Path) -> Iterator[Rig]:
    """Run a control plane that knows both kinds."""
    # Scraped twice as often as the tests look: a scrape that comes late must not look like missing data.
    with Rig.start(directory, (*DEFAULT_PARTS, "alertmanager"), scrape_interval="500ms") as running:
        running.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        running.until_crds_are_served()
        yield running


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Start a control plane, once for the whole session."""
    with control_plane(tmp_path_factory.mktemp("rig")) as running:
        yield running


@pytest.fixture(scope="module")
def own_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Start a control plane for the tests of one module alone."""
    with control_plane(tmp_path_factory.mktemp("own") / "rig") as running:
        yield running
