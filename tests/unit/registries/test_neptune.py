"""Versions in an export of Neptune: which files are theirs, what they become, and what is said of the rest."""

import hashlib
import json
import sys
import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pennant.api.model_version import ModelVersionSpec
from pennant.core.versions.completeness import missing
from pennant.registries import catalogue
from pennant.registries.digest import verified
from pennant.registries.neptune import files, tracked
from pennant.registries.neptune.export import Export
from pennant.registries.neptune.files import MODEL_SPACES, Files, labelled
from pennant.registries.neptune.known import Attribute, Attributes
from pennant.registries.neptune.record import COMMITS, DATA, PARAMETERS, REMOTES, Exported, record
from pennant.registries.neptune.registry import RUN_LINKS, Neptune
from pennant.registries.notes import Notes
from pennant.registries.protocol import Failed, FoundVersion, NoAccess, NotThere, RegistryError, Selection, Skipped
from pennant.registries.stored import Stored
from unit.core.builders import NOON

CREATED = datetime(2025, 3, 4, tzinfo=UTC)
ALL = Selection(is_all=True)
TYPES: dict[type, str] = {
    str: "string",
    float: "float",
    int: "int",
    bool: "bool",
    datetime: "datetime",
    list: "string_set",
}


def attributes(name: Any = "CLS-PRE-1", project: Any = "ml/churn", **values: Any) -> Attributes:
    """Return attributes; two underscores in a name are a slash."""
    known = {"sys/id": name, "sys/model_id": "CLS-PRE", "sys/owner": "ada", "sys/creation_time": CREATED}
    given = {path.replace("__", "/"): each for path, each in values.items()}
    return Attributes(project, name, {path: of(each) for path, each in {**known, **given}.items()})


def of(value: Any) -> Attribute:
    return value if isinstance(value, Attribute) else Attribute(TYPES[type(value)], value)


def part(root: Path, name: str, number: int = 0, *, scope: str = "model_versions", end: str = "") -> Path:
    """Create a part of an object, whose content nobody reads here."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
    path = root / "ml_churn-0123456789abcdef" / scope / f"{name}-{digest}_part_{number}.parquet{end}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def stored(root: Path, place: str, body: bytes = b"weights") -> Path:
    path = root / "files" / "ml_churn-0123456789abcdef" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def opened(root: Path, *known: Attributes, **options: Any) -> Neptune:
    """Return a registry of an export whose attributes are in memory, by the identifiers in the names of the files."""
    by_name = {each.id: each for each in known}

    def read(parts: Iterable[Path]) -> Attributes:
        return by_name[next(iter(parts)).name.rpartition("_part_")[0][:-17]]

    versions, models, runs = (
        Export(root / "data", root / "files", scope) for scope in ("model_versions", "models", "")
    )
    return Neptune(versions, models, runs, read, Stored(lambda: NOON), **options)


async def versions(registry: Neptune, model: str = "CLS-PRE", selection: Selection = ALL) -> list[Any]:
    return [each async for each in registry.versions(model, selection)]


def exported(root: Path, version: Attributes, **more: Any) -> dict[str, Any]:
    """Return the record of a version with its files below `root`."""
    notes = Notes()
    own = files.of(version, Export(root / "data", root / "files", ""), "ml_churn-0123456789abcdef", notes)
    known: dict[str, Any] = {"described": None, "run": None, "run_files": Files(), "requirements": None}
    known |= {"code_digest": None, "repository": None, **more}
    return record(Exported(model="CLS-PRE", number="1", version=version, files=own, **known), notes)


def binary(place: str = "v/model/binary", kind: str = "file") -> Attribute:
    return Attribute(kind, place)


def spec(record: Any) -> ModelVersionSpec:
    return ModelVersionSpec.model_validate({"model": "m", "version": "1", **record})


def test_numbers_are_metrics_and_those_below_parameters_are_hyperparameters(tmp_path: Path) -> None:
    stored(tmp_path, "v/model/binary")
    values = {
        "validation__acc": 0.9,
        "metrics__test__f1": 0.8,
        "params__lr": 1e-05,
        "Parameters__depth": 3,
        "n_rows": 7,
    }
    series = Attribute("float_series", 0.25, Decimal(99), 100)
    version = attributes(model__binary=binary(), train__loss=series, monitoring__cpu=series, note="x", **values)
    found = spec(exported(tmp_path, version))
    assert {each.name: (each.value, each.split) for each in found.metrics} == {
        "validation/acc": ("0.9", "Validation"),
        "metrics/test/f1": ("0.8", "Test"),
        "train/loss": ("0.25", "Train"),
        "n_rows": ("7.0", None),
    }
    assert {each.name: each.value for each in found.hyperparameters} == {"lr": "1e-05", "depth": "3"}
    assert found.source is not None
    assert (found.source.id, found.source.annotations) == ("CLS-PRE-1", {"note": "x"})


def test_the_run_has_what_the_version_does_not_say(tmp_path: Path) -> None:
    stored(tmp_path, "v/model/binary")
    run = attributes(
        "RUN-7", parameters__lr=0.1, validation__acc=0.1, test__acc=0.8, source_code__entrypoint="train.py"
    )
    version = attributes(model__binary=binary(), validation__acc=0.9, reason="less noise", git__commit="a" * 40)
    found = spec(exported(tmp_path, version, run=run, repository="https://bot:pw@git.example/x.git"))
    assert {each.name: each.value for each in found.metrics} == {"validation/acc": "0.9", "test/acc": "0.8"}
    assert found.code is not None
    assert (found.code.repository, found.code.path) == ("https://git.example/x.git", "train.py")
    assert found.training is not None
    assert (found.training.run, found.training.experiment) == ("RUN-7", "ml/churn")
    assert [each.value for each in missing(found)] == ["Artifacts", "TrainingData", "Environment"]


def test_files_below_model_are_artefacts_and_others_are_documents(tmp_path: Path) -> None:
    for place in ("v/model/a.onnx", "v/model/tokenizer/vocab.txt", "v/report.html", "v/source_code/diff"):
        stored(tmp_path, place)
    version = attributes(
        model__a=binary("v/model/a.onnx"),
        model__tokenizer=binary("v/model/tokenizer", "file_set"),
        report=binary("v/report.html"),
        **{"source_code/diff": binary("v/source_code/diff")},
    )
    found = spec(exported(tmp_path, version))
    assert [(each.name, each.uri.rpartition("/v/")[2], each.size_bytes) for each in found.artifacts] == [
        ("model-a", "model/a.onnx", 7),
        ("model-tokenizer", "model/tokenizer/", 7),
    ]
    assert [each.name for each in found.reports] == ["report"]
    only = attributes(report=binary("v/report.html"))
    assert [each.name for each in spec(exported(tmp_path, only)).artifacts] == ["report"]


def test_a_version_without_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="the export has no file of a model in it"):
        exported(tmp_path, attributes(validation__acc=0.9))


@pytest.mark.parametrize("place", ["../../etc/passwd", "/etc/passwd", ".", ""])
def test_a_path_that_leads_elsewhere_is_left_out_and_told(tmp_path: Path, place: str) -> None:
    notes = Notes()
    version = attributes(model__binary=binary(place))
    found = files.of(version, Export(tmp_path / "data", tmp_path / "files", ""), "ml_churn-0123456789abcdef", notes)
    assert found.models == []
    assert "is not in the directory" in notes.said[0]


def listed(*names: str, kind: str = "Local") -> str:
    return json.dumps(
        [
            {
                "filePath": each,
                "fileHash": hashlib.sha1(each.encode()).hexdigest(),
                "type": kind,
                "size": len(each),
                "metadata": [{"key": "location" if kind == "S3" else "file_path", "value": f"s3://data/train/{each}"}],
            }
            for each in names
        ]
    )


def test_data_that_neptune_tracked_has_the_hash_of_its_files(tmp_path: Path) -> None:
    """`sha1sum` of the lines of `sha1sum`, in the order of the paths, said so."""
    path = stored(tmp_path, "list", listed("b", "a").encode())
    found = tracked.read(path)
    assert tracked.uri_of(found) == "s3://data/train/"
    assert tracked.digest_of(found) == "sha1:3f39d31add6e76600c3891fb9d8d52bb2e5e4dcb"
    path.write_text(listed("a"))
    assert (tracked.uri_of(tracked.read(path)), tracked.digest_of(tracked.read(path))) == (
        "s3://data/train/a",
        "sha1:86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
    )
    path.write_text(listed("a", kind="S3"))
    assert tracked.digest_of(tracked.read(path)) == "etag:86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"


@pytest.mark.parametrize(
    ("name", "role"),
    [("data/train", "Training"), ("datasets/validation", "Validation"), ("test_set", "Test"), ("raw", "Reference")],
)
def test_the_path_of_data_says_its_use(tmp_path: Path, name: str, role: str) -> None:
    stored(tmp_path, "v/model/binary")
    stored(tmp_path, "v/list", listed("a").encode())
    version = attributes(model__binary=binary(), **{name: binary("v/list", "artifact")})
    assert [(each.name, each.role) for each in spec(exported(tmp_path, version)).datasets] == [(name, role)]


@pytest.mark.parametrize("text", ["", "{}x", "[7]", '[{"fileHash": "a"}]', '{"a": 1}'])
def test_a_list_of_another_form_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(RegistryError, match="is no list of files of Neptune"):
        tracked.read(stored(tmp_path, "list", text.encode()))


def test_names_of_artefacts_are_labels_and_occur_once(tmp_path: Path) -> None:
    known = [files.Found(name, tmp_path) for name in ("model/A b", "model/a-b", "x" * 80 + "é", "___")]
    assert list(labelled(known)) == ["model-a-b", "model-a-b-2", "x" * 60, "file"]


async def test_the_newest_version_and_those_in_a_stage_are_read(tmp_path: Path) -> None:
    known = []
    for number, stage in ((1, "production"), (2, "none"), (10, "archived"), (9, "staging"), (8, "production")):
        part(tmp_path / "data", f"CLS-PRE-{number}")
        known.append(attributes(f"CLS-PRE-{number}", sys__stage=stage, model__binary=binary()))
    stored(tmp_path, "v/model/binary")
    registry = opened(tmp_path, *known)
    assert [each async for each in registry.models()] == ["CLS-PRE"]
    assert [each.version for each in await versions(registry)] == ["10", "9", "8", "2", "1"]
    found = await versions(registry, selection=Selection())
    assert [(each.version, each.aliases) for each in found] == [
        ("10", ()),
        ("9", ("staging",)),
        ("8", ("production",)),
        ("1", ()),
    ]
    since = Selection(since=datetime(2025, 3, 5, tzinfo=UTC))
    assert await versions(registry, selection=since) == []


async def test_what_is_not_complete_or_in_the_trash_is_told(tmp_path: Path) -> None:
    """The exporter names the first part last."""
    part(tmp_path / "data", "CLS-PRE-1", 1)
    part(tmp_path / "data", "CLS-PRE-2", end=".tmp")
    part(tmp_path / "data", "CLS-PRE-3")
    (part(tmp_path / "data", "CLS-PRE-4")).rename(tmp_path / "data" / "other.parquet")
    found = await versions(opened(tmp_path, attributes("CLS-PRE-3", sys__trashed=True)))
    why = "its export was interrupted. Its first part is missing, so it is not complete"
    assert found == [
        Skipped("CLS-PRE", "3", "it was in the trash of Neptune"),
        Failed("CLS-PRE", "2", why),
        Failed("CLS-PRE", "1", why),
    ]


async def test_a_model_that_several_projects_have_has_the_name_of_its_project(tmp_path: Path) -> None:
    path = part(tmp_path / "data", "CLS-PRE-1")
    other = tmp_path / "data" / "ml_other-0123456789abcdef" / "model_versions" / path.name
    other.parent.mkdir(parents=True)
    other.touch()
    names = {"ml_churn-0123456789abcdef": "ml/churn", "ml_other-0123456789abcdef": "ml/other"}
    registry = opened(tmp_path)
    registry._attributes = lambda parts: attributes(project=names[next(iter(parts)).parents[1].name])
    assert [each async for each in registry.models()] == ["ml/churn/CLS-PRE", "ml/other/CLS-PRE"]
    with pytest.raises(NotThere, match="there are ml/churn/CLS-PRE, ml/other/CLS-PRE"):
        await versions(registry, "CLS-PRE")


async def test_files_of_the_export_and_tracked_files_are_verified(tmp_path: Path) -> None:
    part(tmp_path / "data", "CLS-PRE-1")
    stored(tmp_path, "v/model/dir/a", b"a")
    data = tmp_path / "b"
    data.write_bytes(b"b")
    content = listed("b").replace("s3://data/train/b", data.as_uri())
    stored(tmp_path, "v/list", content.encode())
    version = attributes(model__dir=binary("v/model/dir", "file_set"), model__base=binary("v/list", "artifact"))
    registry = opened(tmp_path, version)
    (found,) = await versions(registry)
    assert isinstance(found, FoundVersion)
    both = {each["name"]: each for each in (await verified(registry, found))["artifacts"]}
    assert both["model-base"]["digest"] == f"sha256:{hashlib.sha256(b'b').hexdigest()}"
    assert both["model-dir"]["manifestDigest"].startswith("sha256:")
    data.write_bytes(b"x")
    with pytest.raises(RegistryError, match="the artefact model-base has the digest sha1:"):
        await verified(registry, found)


async def test_an_export_needs_the_reader_of_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        NoAccess, match=r"reading Neptune needs pyarrow, which is not .*pip install 'pennant\[neptune\]'"
    ):
        async with catalogue.opened("neptune", catalogue.Given(str(tmp_path), {}, lambda: NOON)):
            pass


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.text(max_size=3))
PATHS = st.sampled_from(
    [
        "sys/owner",
        "sys/creation_time",
        "sys/description",
        "parameters/x",
        "val/x",
        "commit",
        "repository",
        "run/id",
        "x/y",
    ]
)
KINDS = st.sampled_from(["string", "float", "int", "bool", "datetime", "string_set", "float_series", "string_series"])


@given(st.dictionaries(PATHS, st.builds(Attribute, KINDS, VALUES)))
def test_attributes_of_any_type_are_a_record_or_an_error(values: Any) -> None:
    version = Attributes("ml/churn", "CLS-PRE-1", values)
    model = files.Found("model", Path("/m"))
    own = Files(models=[model])
    known = Exported("CLS-PRE", "1", version, own, None, version, Files(), b"x", None, None)
    notes = Notes()
    model_record = record(known, notes)
    spec(model_record)


def many(root: Path, count: int) -> Neptune:
    """Return an export with many versions, whose attributes are made when they are read."""
    stored(root, "v/model/binary")
    for number in range(count):
        part(root / "data", f"CLS-PRE-{number}")
    registry = opened(root)
    registry._attributes = lambda parts: attributes(
        next(iter(parts)).name.rpartition("_part_")[0][:-17], model__binary=binary(), note="x" * 1000
    )
    return registry


async def test_two_thousand_versions_are_read_one_after_the_other(tmp_path: Path) -> None:
    registry, began = many(tmp_path, 2_000), process_time()
    numbers = [int(each.version) async for each in registry.versions("CLS-PRE", ALL)]
    assert numbers == list(reversed(range(2_000)))
    # Processor time, because the tests share the machine.
    assert process_time() - began < 12


async def test_many_versions_need_the_memory_of_one(tmp_path: Path) -> None:
    registry, peaks = many(tmp_path, 1000), []
    tracemalloc.start()
    async for each in registry.versions("CLS-PRE", ALL):
        assert isinstance(each, FoundVersion), each
        peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    # A record of these takes 5 kB in memory, so all of them would take 5 MB.
    assert peaks[-1] < peaks[100] + 1_000_000


def test_the_page_names_the_paths_that_have_a_meaning() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "import-from-neptune.md").read_text(encoding="utf-8")
    for word in (*MODEL_SPACES, *PARAMETERS, *DATA, *COMMITS, *REMOTES, *RUN_LINKS):
        assert f"`{word}`" in page or f"`{word}/" in page, word
