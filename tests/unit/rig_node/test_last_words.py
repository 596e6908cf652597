from pathlib import Path
from typing import Any

import pytest

from rig.node import last_words
from rig.node.environment import Images
from rig.node.host import Host
from rig.node.operator_image import relative

FALLBACK = {"terminationMessagePolicy": "FallbackToLogsOnError"}


@pytest.mark.parametrize(
    ("spec", "written", "code", "said"),
    [
        ({}, "why", 1, "why"),
        ({}, "why", 0, "why"),
        ({}, "", 1, ""),
        (FALLBACK, "why", 1, "why"),
        (FALLBACK, "", 1, "last line\n"),
        (FALLBACK, "", 0, ""),
        ({"terminationMessagePath": "/tmp/why"}, "x" * 5000, 1, "x" * 4096),
    ],
)
def test_a_container_says_why_it_ends(spec: dict[str, Any], written: str, code: int, said: str, tmp_path: Path) -> None:
    place = last_words.prepare(spec, tmp_path)
    assert place == tmp_path / str(spec.get("terminationMessagePath", "/dev/termination-log")).lstrip("/")
    assert place.read_bytes() == b""
    place.write_text(written)
    (tmp_path / "log").write_text("line\n" * 10_000 + "last line\n")
    assert last_words.read(spec, place, tmp_path / "log", code).endswith(said)
    assert len(last_words.read(spec, place, tmp_path / "log", code)) <= 4096


def test_a_message_of_an_earlier_run_is_forgotten(tmp_path: Path) -> None:
    last_words.prepare({}, tmp_path).write_text("of the first run")
    assert last_words.read({}, last_words.prepare({}, tmp_path), tmp_path / "log", 0) == ""


def test_a_claim_is_a_directory_that_pods_of_a_namespace_share(tmp_path: Path) -> None:
    host = Host(None, None, "n", "127.64.1", tmp_path, Images({}, ()), 0)  # type: ignore[arg-type]
    volumes = [{"name": "m", "persistentVolumeClaim": {"claimName": "models"}}, {"name": "e", "emptyDir": {}}]

    def places(name: str, namespace: str) -> list[Path]:
        metadata = {"name": name, "namespace": namespace, "uid": name}
        pod = {"metadata": metadata, "spec": {"volumes": volumes}}
        return [host.volume_directory(pod, each) for each in ("m", "e")]

    (claim, own), (same, other), (foreign, _) = places("a", "shop"), places("b", "shop"), places("a", "bank")
    assert claim == same != foreign
    assert own != other


def test_the_operators_image_finds_what_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "mnt" / "models").mkdir(parents=True)
    words = ["fetch", "--to=/mnt/models", "--termination-log=/dev/termination-log", "--artifact=m=file:///mnt/models"]
    assert relative(words, tmp_path) == ["fetch", "--to=mnt/models", *words[2:]]
