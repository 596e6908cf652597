from rig.node.agent import Addresses


def test_the_address_that_was_free_longest_is_used_next() -> None:
    addresses = Addresses("127.64.1")
    first = addresses.take(None)
    addresses.give_back(first)
    assert first == "127.64.1.2"
    assert addresses.take(None) == "127.64.1.3"


def test_a_pod_that_had_an_address_keeps_it() -> None:
    addresses = Addresses("127.64.1")
    assert addresses.take("127.64.1.77") == "127.64.1.77"


def test_no_two_pods_have_one_address_and_none_that_of_the_node() -> None:
    addresses = Addresses("127.64.1")
    taken = [addresses.take("127.64.1.2") for _ in range(253)]
    assert len(set(taken)) == 253
    assert "127.64.1.1" not in taken


def test_an_address_of_another_block_is_not_kept() -> None:
    assert Addresses("127.64.1").take("127.99.9.9") == "127.64.1.2"
