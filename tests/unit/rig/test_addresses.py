import ipaddress
import socket

import pytest

from rig import addresses
from rig.addresses import BLOCKS, HOST, PORTS_EACH, Block, claimed_block
from rig.errors import StartError


def test_two_rigs_share_neither_ports_nor_addresses() -> None:
    with claimed_block() as one, claimed_block() as two:
        assert {one.port(each) for each in range(PORTS_EACH)}.isdisjoint(two.port(each) for each in range(PORTS_EACH))
        assert one.pod_prefix != two.pod_prefix


def test_a_claim_ends_with_the_rig() -> None:
    with claimed_block() as one:
        pass
    with claimed_block() as two:
        assert two == one


def test_a_block_with_a_busy_port_is_left_alone() -> None:
    with claimed_block() as free:
        pass
    with socket.create_server((HOST, free.port(4))), claimed_block() as other:
        assert other != free


def test_a_port_of_which_a_connection_lingers_is_free() -> None:
    with claimed_block() as free:
        pass
    with socket.create_server((HOST, free.port(4))) as server:
        client = socket.create_connection((HOST, free.port(4)))
        held, _ = server.accept()
        # The side that closes first lingers.
        held.close()
        client.close()
    with claimed_block() as again:
        assert again == free


def test_every_block_has_addresses_of_its_own_and_no_port_that_outgoing_connections_get() -> None:
    blocks = [Block(index) for index in range(BLOCKS)]
    assert len({block.pod_prefix for block in blocks}) == BLOCKS
    for block in blocks:
        assert ipaddress.ip_address(f"{block.pod_prefix}.1").is_loopback
        assert not block.pod_prefix.startswith("127.0.")
        assert block.port(PORTS_EACH - 1) < 32768


def test_it_says_so_when_all_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "BLOCKS", 0)
    with pytest.raises(StartError, match="no 8 free ports"), claimed_block():
        pass
