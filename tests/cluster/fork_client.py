"""Has a program run in a fork of `fork_server.py`: `fork_client.py SOCKET PROGRAM ARGUMENTS...`.

It gives the fork its arguments, environment, directory and files, passes signals on, and ends as the fork does. Imports
nothing of the project, to start fast.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

BYTES = 4
"""Of each number that is sent: the length of what follows, the id of the process, and its exit code."""
STANDARD = (0, 1, 2)


def connected(
    path: str, program: str, arguments: Sequence[str], environment: Mapping[str, str], files: Sequence[int]
) -> socket.socket:
    """Have the program start with these files; return the connection, from which its id and exit code can be read."""
    given = {"program": program, "arguments": arguments, "environment": environment, "directory": os.getcwd()}
    sent = json.dumps(given).encode()
    server = socket.socket(socket.AF_UNIX)
    server.connect(path)
    socket.send_fds(server, [len(sent).to_bytes(BYTES, "big")], files)
    server.sendall(sent)
    return server


def number(answer: bytes) -> int:
    """Return the number of an answer; an exit code is negative where a signal ended the program."""
    if len(answer) < BYTES:
        raise EOFError("fork_server.py ended before the program did")
    return int.from_bytes(answer, "big", signed=True)


def main() -> int:
    """Run the program, and return its exit code."""
    path, program, *arguments = sys.argv[1:]
    with connected(path, program, arguments, dict(os.environ), STANDARD) as server:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda received, _: server.sendall(bytes([received])))
        number(server.recv(BYTES, socket.MSG_WAITALL))
        return number(server.recv(BYTES, socket.MSG_WAITALL))


if __name__ == "__main__":
    code = main()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
