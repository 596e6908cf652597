"""The log of an offline run of W&B: its blocks, and what its records are folded into."""

import struct
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pennant.registries.protocol import Failed, FoundVersion, NoAccess, NotThere, RegistryError, Selection, Skipped
from pennant.registries.stored import Stored
from pennant.registries.wandb.offline import log
from pennant.registries.wandb.offline.folding import Folded
from pennant.registries.wandb.offline.registry import NO_END, Offline
from unit.core.builders import NOON


def framed(*payloads: bytes) -> bytes:
    """Return a log with these records, written as LevelDB writes them."""
    written = bytearray(log.MAGIC)
    for payload in payloads:
        rest, is_first = payload, True
        while True:
            left = log.BLOCK - len(written) % log.BLOCK
            if left < log.HEADER.size:
                written += bytes(left)
                continue
            part, rest = rest[: left - log.HEADER.size], rest[left - log.HEADER.size :]
            kind = {(True, False): 1, (True, True): 2, (False, True): 3, (False, False): 4}[is_first, bool(rest)]
            body = bytes([kind]) + part
            written += struct.pack("<IHB", zlib.crc32(body), len(part), kind) + part
            is_first = False
            if not rest:
                break
    return bytes(written)


def read(path: Path, content: bytes) -> tuple[list[bytes], list[str]]:
    path.write_bytes(content)
    cuts: list[str] = []
    return list(log.payloads(path, cuts.append)), cuts


SIZES = st.lists(st.integers(0, 3 * log.BLOCK) | st.integers(log.BLOCK - 20, log.BLOCK), max_size=5)


@given(SIZES)
def test_records_of_any_size_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, sizes: Any
) -> None:
    payloads = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    found, cuts = read(tmp_path_factory.getbasetemp() / "run-a.wandb", framed(*payloads))
    assert (found, cuts) == (payloads, [])


@given(st.integers(0, 90_000))
def test_a_log_that_ends_anywhere_has_the_records_before(tmp_path_factory: pytest.TempPathFactory, end: int) -> None:
    payloads = [b"a" * 10, b"b" * 50_000, b"c" * 40_000]
    whole = framed(*payloads)
    path = tmp_path_factory.getbasetemp() / "run-b.wandb"
    if end < len(log.MAGIC):
        with pytest.raises(RegistryError, match=r"is no log of a run of W&B"):
            read(path, whole[:end])
        return
    found, cuts = read(path, whole[:end])
    assert found == payloads[: len(found)]
    ends = {len(framed(*payloads[:count])) for count in range(4)}
    assert bool(cuts) is (end < len(whole) and end not in ends)


def test_zeros_at_the_end_are_left_out(tmp_path: Path) -> None:
    found, cuts = read(tmp_path / "run-a.wandb", framed(b"a") + bytes(4096))
    assert (found, len(cuts)) == ([b"a"], 1)


@pytest.mark.parametrize("position", [7, 12, 13, 14, 20])
def test_a_byte_that_changed_is_an_error(tmp_path: Path, position: int) -> None:
    content = bytearray(framed(b"a" * 20, b"b" * 20))
    content[position] ^= 0xFF
    path = tmp_path / "run-a.wandb"
    with pytest.raises(RegistryError, match=r"damaged at byte 7: a checksum is wrong. Copy the file again"):
        read(path, bytes(content))


@pytest.mark.parametrize("kinds", [(3,), (4,), (2, 1), (2, 2)])
def test_a_part_that_is_missing_is_an_error(tmp_path: Path, kinds: tuple[int, ...]) -> None:
    """A record goes on that has not begun, or one begins in another."""
    frames = (struct.pack("<IHB", zlib.crc32(bytes([kind]) + b"x"), 1, kind) + b"x" for kind in kinds)
    with pytest.raises(RegistryError, match="a part of a record is missing"):
        read(tmp_path / "run-a.wandb", log.MAGIC + b"".join(frames))


def items(**values: str) -> list[Any]:
    """Return values of JSON, whose names have two underscores for each level."""
    split = {name: name.split("__") for name in values}
    return [
        SimpleNamespace(
            key="" if len(path) > 1 else name, nested_key=path if len(path) > 1 else [], value_json=values[name]
        )
        for name, path in split.items()
    ]


def record(kind: str, **fields: Any) -> Any:
    return SimpleNamespace(WhichOneof=lambda _: kind, **{kind: SimpleNamespace(**fields)})


def run(**fields: Any) -> Any:
    empty = SimpleNamespace(update=[], remove=[])
    known: dict[str, Any] = {
        "entity": "acme",
        "project": "churn",
        "run_id": "r1",
        "display_name": "",
        "notes": "why",
        "tags": [],
    }
    known |= {"git": SimpleNamespace(commit="a" * 40, remote_url="https://git.example/x.git"), "run_group": ""}
    known |= {"job_type": "", "sweep_id": "", "start_time": SimpleNamespace(seconds=1_777_000_000, nanos=0)}
    return record("run", **{**known, "config": empty, "summary": empty, **fields})


def changed(kind: str, removed: tuple[Any, ...] = (), **values: str) -> Any:
    return record(kind, update=items(**values), remove=list(removed))


def artifact(name: str, *aliases: str, kind: str = "model", **fields: Any) -> Any:
    entry = SimpleNamespace(
        path="m.onnx", digest="XUFAKrxLKna5cZ2REBfFkg==", ref="", size=5, local_path="/gone", extra=[]
    )
    known: dict[str, Any] = {
        "name": name,
        "type": kind,
        "digest": "a" * 32,
        "digest_algorithm": "",
        "description": "",
        "metadata": "",
    }
    known |= {"client_id": f"client-{name}", "aliases": ["latest", *aliases], "tags": [], "ttl_duration_seconds": 0}
    known |= {"finalize": True, "manifest": SimpleNamespace(contents=[entry], manifest_file_path="")}
    return record("artifact", **{**known, **fields})


def folded(*records: Any) -> Folded:
    found = Folded()
    for each in records:
        found.add(each)
    return found


def test_the_last_value_of_each_name_counts() -> None:
    found = folded(
        run(),
        changed("config", lr="0.1", opt__name='"adam"', _wandb="{}"),
        changed("config", lr="0.2"),
        changed("summary", loss="NaN", acc="0.5", deep__best="1"),
        changed("summary", removed=tuple(items(acc="0")), deep__best="2"),
        record("exit", exit_code=0),
    ).whole
    assert found.config == {"lr": 0.2, "opt": {"name": "adam"}}
    assert found.summary == {"loss": "NaN", "deep": {"best": 2}}
    assert (found.state, found.commit) == ("finished", "a" * 40)


def test_the_goal_of_a_metric_is_its_direction() -> None:
    known = [record("metric", name=name, goal=goal) for name, goal in (("loss", 1), ("acc", 2), ("x", 0))]
    assert folded(run(), *known).run.directions == {"loss": "Minimize", "acc": "Maximize"}


def test_an_artefact_has_the_step_and_the_time_of_the_last_values() -> None:
    step = record("history", item=items(_timestamp="1777000100.5"), step=SimpleNamespace(num=7))
    first, second = folded(run(), artifact("m"), step, artifact("m", finalize=False), artifact("m")).artifacts
    assert (first["historyStep"], first["createdAt"]) == (None, "2026-04-24T03:06:40.000Z")
    assert (second["historyStep"], second["createdAt"]) == (7, "2026-04-24T03:08:20.500Z")


class Message:
    """A record whose bytes are the number of one in a list."""

    def __init__(self, records: list[Any]) -> None:
        self._records = records
        self._is: Any = None

    def ParseFromString(self, payload: bytes) -> None:  # noqa: N802
        self._is = self._records[int(payload)]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._is, name)


def written(root: Path, *runs: list[Any], cut: int = 0) -> Offline:
    """Write runs into logs, and return the registry that reads them."""
    records = [each for one in runs for each in one]
    numbers = iter(range(len(records)))
    for index, one in enumerate(runs):
        directory = root / f"offline-run-2026010{index}_120000-r{index}"
        (directory / "files").mkdir(parents=True)
        (directory / "files" / "requirements.txt").write_text("numpy==2.3.1\n")
        content = framed(*(str(next(numbers)).encode() for _ in one))
        (directory / f"run-r{index}.wandb").write_bytes(content[: len(content) - cut])
    return Offline(root, lambda: Message(records), Stored(lambda: NOON))


async def versions(registry: Offline, model: str = "fraud", selection: Selection | None = None) -> list[Any]:
    return [each async for each in registry.versions(model, selection or Selection(is_all=True))]


END = record("exit", exit_code=0)


async def test_a_version_has_the_name_of_its_run_and_a_number(tmp_path: Path) -> None:
    """Rule: R212."""
    first = [run(), artifact("fraud", "production"), artifact("other"), artifact("fraud"), END]
    resumed = [run(), artifact("fraud"), artifact("data", kind="dataset"), END]
    registry = written(tmp_path, first, resumed, [run(run_id="r2"), artifact("fraud", "production"), END])
    assert [each async for each in registry.models()] == ["fraud", "other"]
    found = await versions(registry)
    assert {each.version: each.aliases for each in found} == {
        "r1-v0": (),
        "r1-v1": (),
        "r1-v2": (),
        "r2-v0": ("production",),
    }
    assert [each.version for each in await versions(registry, selection=Selection())] == ["r2-v0"]
    assert found[0].record["artifacts"][0]["uri"] == "wandb-client-artifact://client-fraud"
    assert found[0].unknown == ()


async def test_a_run_that_was_killed_has_what_it_logged_before(tmp_path: Path) -> None:
    registry = written(tmp_path, [run(), artifact("fraud"), END], cut=1)
    (found,) = await versions(registry)
    assert isinstance(found, FoundVersion)
    assert found.unknown[0].endswith(
        "ends in the middle of a record: the run was killed or it was cut, and its last values are missing"
    )


@pytest.mark.parametrize("has_end", [True, False])
async def test_a_log_that_has_no_end_record_may_be_incomplete(tmp_path: Path, has_end: bool) -> None:
    """It was cut exactly between two records, so that no record is incomplete."""
    (found,) = await versions(written(tmp_path, [run(), artifact("fraud"), *([END] if has_end else [])]))
    assert isinstance(found, FoundVersion)
    assert (NO_END in found.unknown) is not has_end


async def test_a_log_without_an_end_record_and_without_a_model_is_told_once(tmp_path: Path) -> None:
    registry = written(tmp_path, [run()], [run(run_id="r2"), artifact("fraud"), artifact("other"), END])
    assert [each async for each in registry.models()] == ["fraud", "other"]
    found, skipped = await versions(registry)
    assert isinstance(found, FoundVersion)
    assert skipped == Skipped("fraud", "run-r0.wandb", f"it has no model, and {NO_END}")
    assert [type(each) for each in await versions(registry, "other")] == [FoundVersion]


async def test_a_run_that_ended_without_a_model_is_not_told(tmp_path: Path) -> None:
    registry = written(tmp_path, [run(), END], [run(run_id="r2"), artifact("fraud"), END])
    assert [type(each) for each in await versions(registry)] == [FoundVersion]


async def test_where_no_log_has_a_model_one_without_an_end_record_is_an_error(tmp_path: Path) -> None:
    """Otherwise the import would say that there are no models."""
    with pytest.raises(RegistryError, match=r"run-r0\.wandb has no model, and the log of the run has no end record"):
        [each async for each in written(tmp_path / "open", [run()]).models()]
    with pytest.raises(NotThere, match=r"logged a model 'fraud'\. Not read: .*run-r0\.wandb has no model, and the log"):
        await versions(written(tmp_path / "named", [run()]))
    assert [each async for each in written(tmp_path / "ended", [run(), END]).models()] == []


async def test_a_log_that_is_cut_before_its_models_is_told(tmp_path: Path) -> None:
    """A copy that was cut off may have lost the versions, so it is no run without any."""
    whole = [run(run_id="r2"), artifact("fraud"), END]
    registry = written(tmp_path, [run()], whole)
    log = next(tmp_path.glob("*r0/*.wandb"))
    log.write_bytes(log.read_bytes()[:-1])
    models = registry.models()
    assert await anext(models) == "fraud"
    with pytest.raises(
        RegistryError, match=r"run-r0\.wandb ends in the middle .* no model before that\. Copy the file"
    ):
        await anext(models)
    assert [type(each) for each in await versions(registry)] == [FoundVersion]


async def test_a_log_that_cannot_be_read_is_told_for_a_model_too(tmp_path: Path) -> None:
    registry = written(tmp_path, [run(), artifact("fraud"), END], [run(run_id="r2"), artifact("fraud"), END])
    log = next(tmp_path.glob("*r0/*.wandb"))
    content = bytearray(log.read_bytes())
    content[20] ^= 1
    log.write_bytes(content)
    found = await versions(registry)
    assert [(type(each), each.version) for each in found] == [(FoundVersion, "r2-v0"), (Failed, "run-r0.wandb")]
    assert ("Copy the file again" in found[1].why, "sync" in found[1].why) == (True, False)


async def test_a_log_that_is_damaged_does_not_hide_the_others(tmp_path: Path) -> None:
    registry = written(tmp_path, [run(), artifact("fraud"), END], [run(run_id="r2"), artifact("fraud"), END])
    damaged = next(tmp_path.glob("*r0/*.wandb"))
    damaged.write_bytes(b"no log")
    models = registry.models()
    assert await anext(models) == "fraud"
    assert [each.version for each in await versions(registry)] == ["r2-v0"]
    with pytest.raises(RegistryError, match="is no log of a run of W&B"):
        await anext(models)


async def test_files_that_are_gone_cannot_be_verified(tmp_path: Path) -> None:
    registry = written(tmp_path, [run(), artifact("fraud"), END])
    (found,) = await versions(registry)
    (file,) = [each async for each in registry.files(found)]
    assert file.digest == "md5:5d41402abc4b2a76b9719d911017c592"
    with pytest.raises(RegistryError, match="is no longer on this machine; run `wandb sync`"):
        await anext(registry.content(found, file))


async def test_a_model_or_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotThere, match="logged a model 'nope'"):
        await versions(written(tmp_path, [run(), artifact("fraud"), END]), "nope")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoAccess, match=r"there is no run-\*\.wandb below"):
        Offline(tmp_path / "empty", lambda: None, Stored(lambda: NOON))
