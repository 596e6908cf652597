"""What verbs print on a terminal, and what they print elsewhere: colours and the width of lines."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.text import Text

from pennant.core.facts.observation import Snapshot
from unit.cli.fake_api import FakeApi, served
from unit.cli.states import after_a_rollback
from unit.kube.api_server import a_kubeconfig
from unit.kube.raw import raw_deployment, raw_version

CODE = "import sys; from pennant.cli.main import main; sys.exit(main())"
BEGIN = "2026-01-01T12:00:00Z"
COLOURS = re.compile(r"\x1b\[([0-9]+;)*[39][0-9]")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return asyncio.run(after_a_rollback())


@pytest.fixture
def config(api: FakeApi, snapshot: Snapshot, tmp_path: Path) -> Iterator[Path]:
    """Serve a ModelDeployment that was rolled back, and return the kubeconfig."""
    api.add("modeldeployments", raw_deployment(creationTimestamp=BEGIN, status=snapshot.status.to_json()))
    with served(api) as url:
        yield a_kubeconfig(tmp_path, url)


def on_a_terminal(*args: str, columns: int = 80, **environment: str) -> str:
    """Run a verb on a terminal of this width, and return what it printed."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    known = {name: each for name, each in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    environment = {**known, "TERM": "xterm", **environment}
    with subprocess.Popen([sys.executable, "-c", CODE, *args], stdout=inner, env=environment) as running:
        os.close(inner)
        parts = []
        try:
            while part := os.read(outer, 65536):
                parts.append(part)
        except OSError:
            # The other side is closed.
            pass
        running.wait(30)
    os.close(outer)
    return b"".join(parts).decode().replace("\r\n", "\n")


@pytest.mark.parametrize("verb", ["get", "lint"])
def test_colours_are_for_terminals_without_no_color(config: Path, tmp_path: Path, verb: str) -> None:
    (tmp_path / "bad.yaml").write_text("{kind: ModelVersion, apiVersion: pennant.dev/v1alpha1}")
    words = {"get": ["get", "fraud", "--kubeconfig", str(config)], "lint": ["lint", "-f", str(tmp_path / "bad.yaml")]}
    assert COLOURS.search(on_a_terminal(*words[verb]))
    assert not COLOURS.search(on_a_terminal(*words[verb], NO_COLOR="1"))
    done = subprocess.run([sys.executable, "-c", CODE, *words[verb]], capture_output=True, text=True, check=False)
    assert done.stdout
    assert "\x1b[" not in done.stdout


def test_a_history_is_wrapped_to_the_terminal_and_whole_elsewhere(config: Path, snapshot: Snapshot) -> None:
    words = ("history", "fraud", "--kubeconfig", str(config))
    why = snapshot.status.history[-1].reason
    assert len(why) > 80
    lines = on_a_terminal(*words, columns=160).splitlines()
    assert max(map(len, lines)) <= 160
    assert not any(line.endswith(why) for line in lines)
    done = subprocess.run([sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].endswith(why)


@pytest.mark.parametrize(
    "words",
    [
        "get -o wide",
        "why fraud",
        "audit fraud",
        "audit fraud --at 2026-01-01T12:01:00Z",
        "audit fraud --verify",
        "versions fraud -o wide",
        "compare fraud-1.0.0 fraud-1.1.0",
        "history fraud -o wide",
        "history fraud --revision 2",
    ],
)
def test_no_line_is_wider_than_the_terminal(config: Path, api: FakeApi, words: str) -> None:
    api.add("modelversions", raw_version("1.0.0", "stable"), raw_version("1.1.0", "production"))
    for version in ("1.0.0", "1.1.0"):
        api.objects["modelversions", "default", f"fraud-{version}"]["metadata"]["creationTimestamp"] = BEGIN
    said = on_a_terminal(*words.split(), "--kubeconfig", str(config))
    lines = Text.from_ansi(said).plain.splitlines()
    assert lines
    assert not [each for each in lines if len(each) > 80 and not each.lstrip().startswith(("Try:", "Or "))]
