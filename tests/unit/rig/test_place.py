import json
from pathlib import Path

import pytest

from rig.addresses import Block
from rig.errors import RigError, StartError
from rig.parts import owner, prepare
from rig.place import DEFAULT_PARTS, MARKER, Place, checked
from rig.processes import Identity

PLACE = Place(Path("/rig"), Block(0), checked(DEFAULT_PARTS), "1s", "secret")


def write_state(directory: Path, owner: Identity) -> None:
    state = {"owner": {"pid": owner.pid, "started": owner.started}, "supervised": False}
    (directory / MARKER).write_text(json.dumps(state))


def test_parts_are_started_in_the_order_of_need() -> None:
    assert checked(["kwok", "kube-apiserver", "etcd"]) == ("etcd", "kube-apiserver", "kwok")


@pytest.mark.parametrize(
    ("parts", "words"), [(["etcd", "kube-apiserver", "kubelet"], "no part kubelet"), (["prometheus"], "needs etcd")]
)
def test_a_rig_that_cannot_be_is_refused(parts: list[str], words: str) -> None:
    with pytest.raises(StartError, match=words):
        checked(parts)


def test_the_url_of_a_part_that_is_not_there_is_an_error_that_says_so() -> None:
    assert PLACE.url("prometheus").startswith("http://127.0.0.1:")
    with pytest.raises(RigError, match="runs without alertmanager"):
        PLACE.url("alertmanager")


def test_ports_of_a_rig_differ() -> None:
    parts = ("etcd", "etcd-peer", "kube-apiserver", "prometheus", "alertmanager", "kwok")
    assert len({PLACE.port(part) for part in parts} | {PLACE.block.port(0)}) == len(parts) + 1


def test_somebody_elses_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "theirs").touch()
    with pytest.raises(StartError, match="is not empty, and no rig has made it"):
        prepare(tmp_path)
    assert (tmp_path / "etcd" / "theirs").exists()


def test_the_directory_of_a_rig_that_runs_is_left_alone(tmp_path: Path) -> None:
    write_state(tmp_path, Identity.me())
    with pytest.raises(StartError, match=r"runs in .* already"):
        prepare(tmp_path)


def test_what_a_rig_that_has_ended_left_is_cleared(tmp_path: Path) -> None:
    me = Identity.me()
    write_state(tmp_path, Identity(me.pid, me.started - 1))
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "old").touch()
    assert owner(tmp_path) is None
    prepare(tmp_path)
    assert list((tmp_path / "etcd").iterdir()) == []
    assert tmp_path.stat().st_mode & 0o077 == 0
