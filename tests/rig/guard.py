"""Runs a program that starts others, and ends them all when it or the parent ends: `guard.py PARENT_PID PROGRAM ...`.

`launch.py` is enough for a server. What the pods of the node start themselves would outlive it: here it becomes ours
when its parent dies, and is killed. Imports nothing of the rig, to start fast.
"""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LAUNCH = Path(__file__).with_name("launch.py")
GRACE_SECONDS = 8


def main() -> int:
    """Run the program, pass on the request to end, and leave nobody behind; return the program's exit code."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_CHILD_SUBREAPER, 1), (PR_SET_PDEATHSIG, signal.SIGTERM)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent died before the program started")
    program = subprocess.Popen([sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), *command])

    def end(number: int, _: object) -> None:
        # Without the parent there is no API server either, to which a kind end could be reported.
        if number == signal.SIGALRM or os.getppid() != parent:
            os.kill(program.pid, signal.SIGKILL)
        else:
            signal.alarm(GRACE_SECONDS)
            os.kill(program.pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGALRM, end)
    code = _reap_until(program.pid)
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    _sweep()
    return code


def _reap_until(pid: int) -> int:
    """Bury whoever ends, until this one has; return its exit code."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status) & 0xFF


def _sweep() -> None:
    """Kill our children until there are none: the children of each become ours as it ends."""
    while True:
        for child in _children():
            os.kill(child, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _children() -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue  # It has just ended.
        if int(parent) == os.getpid() and state != "Z":
            found.append(int(entry.parent.name))
    return found


if __name__ == "__main__":
    sys.exit(main())
