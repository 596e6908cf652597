import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rig.errors import StartError
from rig.processes import GUARD, Identity, Process
from unit.rig.conftest import until

PARENT = """
import sys, time
from pathlib import Path
from rig.processes import Process
child = Process("child", ["/bin/sleep", "60"], Path(sys.argv[1]), lambda: True)
child.start()
child.wait_ready(5)
print(child.identity.pid, flush=True)
time.sleep(60)
"""
# A node and its pods in small: a program that starts one that starts others, and then waits for none of them.
STARTS_OTHERS = "/bin/sh -c '/bin/sleep 60 & echo $!; exec /bin/sleep 60' & echo $!; exec /bin/sleep 60"
GUARDIAN = """
import sys, time
from pathlib import Path
from rig.processes import GUARD, Process
child = Process("child", ["/bin/sh", "-c", sys.argv[2]], Path(sys.argv[1]), lambda: True, GUARD)
child.start()
time.sleep(60)
"""


def a_process(tmp_path: Path, *command: str, ready: bool = False) -> Process:
    return Process("a-part", command, tmp_path / "log", lambda: ready)


def test_a_process_that_ends_early_shows_the_end_of_its_log_at_once(tmp_path: Path) -> None:
    process = a_process(tmp_path, "/bin/sh", "-c", "seq 100; echo the reason >&2; exit 3")
    process.start()
    begun = time.monotonic()
    with pytest.raises(StartError, match=r"(?s)a-part ended with code 3 .*seq 100.*\n100\nthe reason$") as error:
        process.wait_ready(60)
    assert time.monotonic() - begun < 5
    assert "\n71\n" not in str(error.value)


def test_a_process_that_is_never_ready_is_given_up_with_its_log(tmp_path: Path) -> None:
    process = a_process(tmp_path, "/bin/sh", "-c", "echo still busy; sleep 60")
    process.start()
    with pytest.raises(StartError, match=r"(?s)not ready within 0\.5 s\..*still busy"):
        process.wait_ready(0.5)
    process.stop(0)


def test_a_process_that_ignores_the_question_is_killed(tmp_path: Path) -> None:
    process = a_process(tmp_path, "/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done")
    process.start()
    until(lambda: "deaf" in process.log.read_text())
    process.stop(0.2)
    assert process.identity is None


def test_a_process_is_started_again_into_the_same_log(tmp_path: Path) -> None:
    process = a_process(tmp_path, "/bin/sh", "-c", "echo started; sleep 60", ready=True)

    def starts() -> int:
        return process.log.read_text().count("started\n")

    process.start()
    process.wait_ready(5)
    until(lambda: starts() == 1)
    process.stop(1)
    process.start()
    until(lambda: starts() == 2)
    process.stop(1)


def test_one_that_runs_is_not_started_twice(tmp_path: Path) -> None:
    process = a_process(tmp_path, "/bin/sleep", "60")
    process.start()
    with pytest.raises(StartError, match="runs already"):
        process.start()
    process.stop(0)


def test_another_thread_than_the_main_one_may_not_start_parts(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            a_process(tmp_path, "/bin/sleep", "60").start()
        except StartError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join(10)
    assert "main thread" in str(errors[0])


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Identity]]:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with closing(parent.stdout):
        child = Identity.of(int(parent.stdout.readline()))
        assert child is not None
        yield parent, child
    parent.kill()
    parent.wait(5)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_child_ends_with_its_parent(family: tuple[subprocess.Popen[str], Identity], end: signal.Signals) -> None:
    parent, child = family
    parent.send_signal(end)
    parent.wait(5)
    assert child.ended_within(5)


def test_an_id_that_is_used_again_is_another_process() -> None:
    me = Identity.me()
    assert me.runs
    assert not Identity(me.pid, me.started - 1).runs
    # Nobody is hit by this.
    Identity(me.pid, me.started - 1).signal(signal.SIGKILL)


def started_by(log: Path) -> list[Identity]:
    until(lambda: log.exists() and len(log.read_text().split()) == 2)
    found = [Identity.of(int(pid)) for pid in log.read_text().split()]
    return [each for each in found if each is not None]


def test_what_a_guarded_program_started_ends_with_it(tmp_path: Path) -> None:
    process = Process("node", ["/bin/sh", "-c", STARTS_OTHERS], tmp_path / "log", lambda: True, GUARD)
    process.start()
    others = started_by(process.log)
    assert len(others) == 2
    process.stop(10)
    assert not any(each.runs for each in others)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_what_a_guarded_program_started_ends_with_the_parent(tmp_path: Path, end: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", GUARDIAN, str(tmp_path / "log"), STARTS_OTHERS])
    others = started_by(tmp_path / "log")
    assert len(others) == 2
    parent.send_signal(end)
    parent.wait(5)
    assert all(each.ended_within(5) for each in others)
