"""Gives each rig ports and pod addresses of its own, so that rigs run side by side without asking each other."""

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from rig.errors import StartError

HOST = "127.0.0.1"
# Below the range that Linux gives to outgoing connections (from 32768): otherwise a server that is stopped for a
# while could find its port taken by somebody's connection.
FIRST_PORT, PORTS_EACH, BLOCKS = 20000, 8, 1500
FREE_PORTS = range(10000, FIRST_PORT)


@dataclass(frozen=True, slots=True)
class Block:
    """The ports on 127.0.0.1 and the addresses 127.a.b.* that one rig owns while it runs."""

    index: int

    def port(self, offset: int) -> int:
        """Return one of the block's ports; offset 0 is the claim itself."""
        return FIRST_PORT + self.index * PORTS_EACH + offset

    @property
    def pod_prefix(self) -> str:
        """The first three numbers of the addresses of pods; 127.0 stays free for everybody else."""
        return f"127.{64 + self.index // 250}.{1 + self.index % 250}"


@contextmanager
def claimed_block() -> Iterator[Block]:
    """Claim the first free block; the kernel frees the claim when the process ends, however it ends."""
    for index in range(BLOCKS):
        block = Block(index)
        with ExitStack() as claim:
            if _bound(block.port(0), claim) and _all_free(block):
                yield block
                return
    raise StartError(f"no {PORTS_EACH} free ports in a row between {FIRST_PORT} and {Block(BLOCKS).port(0)}")


def free_port() -> int:
    """Return a port that was free just now; another caller might take it before it is used, but no connection does.

    A port that the kernel chooses can become the port of an outgoing connection before its server starts.
    """
    for port in random.sample(FREE_PORTS, 100):
        with ExitStack() as probe:
            if _bound(port, probe):
                return port
    raise StartError(f"100 of the ports from {FREE_PORTS[0]} to {FREE_PORTS[-1]} are in use")


def _all_free(block: Block) -> bool:
    with ExitStack() as probe:
        return all(_bound(block.port(offset), probe) for offset in range(1, PORTS_EACH))


def _bound(port: int, stack: ExitStack) -> bool:
    held = stack.enter_context(socket.socket())
    if port % PORTS_EACH != FIRST_PORT % PORTS_EACH:
        # A port whose last connections linger is free for a server. The claim itself must stay exclusive.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((HOST, port))
    except OSError:
        return False
    return True
