"""Turns into a program that the kernel kills when its parent dies: `python launch.py PARENT_PID PROGRAM ARGUMENTS...`.

A process of its own instead of code between fork and exec, which is unsafe beside threads. The kernel ties the signal
to the thread that forks, so the parent forks from its main thread. Imports nothing of the rig, to start fast.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, make sure that the parent is still there, and become the program."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent died before the program started")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
