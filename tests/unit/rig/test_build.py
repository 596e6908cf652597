import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rig import binaries, store
from rig.build import build
from rig.errors import BuildError
from rig.processes import Identity
from rig.programs import PROGRAMS
from unit.rig.conftest import FakeGo, until

TWO = ("kubectl", "etcd")
BUILD = """
import sys
from pathlib import Path
from rig import binaries, build
build.find_go = lambda: Path(sys.argv[1])
binaries.ensure(sys.argv[2:])
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_build_goes_on_where_it_was(go: FakeGo, end: signal.Signals) -> None:
    go.hangs_at("v3")  # the last word of etcd's package
    builder = subprocess.Popen([sys.executable, "-c", BUILD, str(go.path), *TWO], stderr=subprocess.DEVNULL)
    until(lambda: go.hanging_pid)
    assert go.hanging_pid is not None
    compiler = Identity.of(go.hanging_pid)
    assert compiler is not None
    builder.send_signal(end)
    assert builder.wait(10) != 0
    assert compiler.ended_within(5), "Go outlived the build"
    assert binaries.find("kubectl") is not None
    assert binaries.find("etcd") is None

    go.goes_on("v3")
    binaries.ensure(TWO)
    assert binaries.find("etcd") is not None
    assert go.built == ["kubectl", "v3", "v3"]


def test_what_does_not_compile_is_not_installed_and_says_why(go: FakeGo) -> None:
    go.breaks()
    with pytest.raises(BuildError, match=r"(?s)etcd could not be built:\nx\.go:1:1: it does not compile\n.*go on"):
        binaries.ensure(["etcd"])
    assert binaries.find("etcd") is None
    assert list(store.cached(PROGRAMS["etcd"]).parent.glob(".building*")) == []


def test_another_builder_waits_and_finds_everything_built(go: FakeGo, capsys: pytest.CaptureFixture[str]) -> None:
    directory = store.cached(PROGRAMS["etcd"]).parent
    release = threading.Event()
    held = threading.Event()

    def first() -> None:
        with store.alone(directory):
            held.set()
            release.wait(10)
            store.cached(PROGRAMS["etcd"]).write_text("built by the first")

    one = threading.Thread(target=first)
    one.start()
    held.wait(10)
    threading.Timer(0.2, release.set).start()
    build([PROGRAMS["etcd"]])
    one.join(10)
    assert "waiting" in capsys.readouterr().err
    assert go.built == []


def test_a_build_is_installed_whole_and_runs(go: FakeGo) -> None:
    build([PROGRAMS["kubectl"]])
    made = store.cached(PROGRAMS["kubectl"])
    assert os.access(made, os.X_OK)
    assert sorted(path.name for path in Path(made.parent).iterdir()) == [".lock", "kubectl"]
