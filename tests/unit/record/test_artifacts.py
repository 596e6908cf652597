"""Artefacts and data sets as a user names them, and what their digests are worth."""

import hashlib
import json
from pathlib import Path

import pytest

from pennant.record.artifacts import Named, Read, Strength, named, read, read_dataset, strength_of, uri_of, with_uris
from pennant.record.errors import RegisterError
from pennant.record.merging import merged
from pennant.record.progress import Silent
from unit.record.projects import TENSORS, WHOLE, onnx_bytes, safetensors
from unit.record.test_dvc import POINTER, with_remote

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("model.pkl", Named("model", "model.pkl")),
        ("tokenizer=out/t.json", Named("tokenizer", "out/t.json")),
        ("https://x.example/m?a=b", Named("model", "https://x.example/m?a=b")),
        (f"m=s3://b/m.onnx@{DIGEST}", Named("m", "s3://b/m.onnx", DIGEST)),
        ("./a=b.pkl", Named("model", "./a=b.pkl")),
        ("user@host", Named("model", "user@host")),
        ("s3://b/m@md5:x", Named("model", "s3://b/m@md5:x")),
    ],
)
def test_a_word_names_an_artefact(word: str, found: Named) -> None:
    assert named(word, "model") == found


def test_a_word_without_a_name_or_a_place_is_refused() -> None:
    with pytest.raises(RegisterError, match=r"data.csv has no name; write it as NAME=data.csv"):
        named("data.csv")
    with pytest.raises(RegisterError, match="there is no path and no URL in 'm='"):
        named("m=")


def test_a_place_is_a_path_or_a_url(tmp_path: Path) -> None:
    assert Named("m", "a/b c.pkl").path == Path("a/b c.pkl")
    assert Named("m", "file:///a/b%20c.pkl").path == Path("/a/b c.pkl")
    assert Named("m", "hf://org/model").path is None
    assert uri_of(Named("m", "https://me:pw@x.example/m")) == "https://x.example/m"
    assert uri_of(Named("m", str(tmp_path / "a b"))) == (tmp_path / "a b").as_uri()


def spec_of(found: Read) -> dict[str, object]:
    return dict(merged(found.parts).spec["artifacts"][0])


def test_a_file_is_verified_and_has_its_format(tmp_path: Path) -> None:
    path = tmp_path / "m.skops"
    path.write_text("model")
    found = read(Named("m", str(path)), Silent(), with_header=True)
    assert spec_of(found) == {
        "name": "m",
        "uri": path.as_uri(),
        "digest": f"sha256:{hashlib.sha256(b'model').hexdigest()}",
        "sizeBytes": 5,
        "format": {"name": "skops"},
    }
    assert found.strengths == {"artifacts.m": Strength.VERIFIED}


def test_a_digest_that_is_given_is_compared_with_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    path.write_text("model")
    right = f"sha256:{hashlib.sha256(b'model').hexdigest().upper()}"
    assert read(Named("m", str(path), right), Silent(), with_header=True).strengths["artifacts.m"] is Strength.VERIFIED
    with pytest.raises(RegisterError, match=f"m.bin has the digest sha256:.*, not {DIGEST}"):
        read(Named("m", str(path), DIGEST), Silent(), with_header=True)
    with pytest.raises(RegisterError, match="only a sha256 can be compared"):
        read(Named("m", str(path), f"md5:{'0' * 32}"), Silent(), with_header=True)


def test_a_url_with_a_digest_is_not_read() -> None:
    found = read(Named("m", "s3://nowhere/m.onnx", DIGEST), Silent(), with_header=True)
    assert spec_of(found) == {"name": "m", "uri": "s3://nowhere/m.onnx", "digest": DIGEST, "format": {"name": "onnx"}}
    assert found.strengths == {"artifacts.m": Strength.RECORDED}


@pytest.mark.parametrize(
    ("files", "format_"),
    [
        ({"MLmodel": json.dumps({"mlflow_version": "3"}).encode()}, {"name": "mlflow", "version": "3"}),
        ({"m.onnx": onnx_bytes(external="w.bin"), "w.bin": b"x"}, {"name": "onnx", "version": "IR 9, opset 19"}),
        ({"a.safetensors": WHOLE, "b.safetensors": WHOLE, "config.json": b"{}"}, {"name": "safetensors"}),
        ({"x": b""}, None),
    ],
)
def test_a_directory_has_the_format_of_its_files(
    tmp_path: Path, files: dict[str, bytes], format_: dict[str, str] | None
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    spec = spec_of(read(Named("m", str(tmp_path)), Silent(), with_header=True))
    assert spec.get("format") == format_
    assert "digest" not in spec
    assert str(spec["manifestDigest"]).startswith("sha256:")


def test_a_broken_part_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(WHOLE)
    (tmp_path / "b.safetensors").write_bytes(safetensors(TENSORS, b"short"))
    with pytest.raises(RegisterError, match=r"b.safetensors is no whole safetensors file"):
        read(Named("m", str(tmp_path)), Silent(), with_header=True)


def test_a_data_set_has_the_digest_of_dvc_or_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    path.write_text("1")
    found = read_dataset(Named("raw", str(path)), "Training", Silent(), tmp_path)
    assert found.parts[0].spec["datasets"] == [
        {
            "name": "raw",
            "role": "Training",
            "uri": path.as_uri(),
            "digest": f"sha256:{hashlib.sha256(b'1').hexdigest()}",
        }
    ]
    (tmp_path / "raw.csv.dvc").write_text(POINTER)
    found = read_dataset(Named("raw", str(path)), "Test", Silent(), tmp_path)
    assert found.strengths == {"datasets.raw": Strength.WEAK}
    assert found.parts[0].spec["datasets"][0]["uri"] == path.as_uri()
    with_remote(tmp_path)
    found = read_dataset(Named("raw", str(path)), "Test", Silent(), tmp_path)
    assert found.parts[0].spec["datasets"] == [
        {
            "name": "raw",
            "role": "Test",
            "uri": "s3://dvc/fraud/files/md5/0c/c175b9c0f1b6a831c399e269772661",
            "digest": "md5:0cc175b9c0f1b6a831c399e269772661",
        }
    ]


@pytest.mark.parametrize(
    ("digest", "strength"),
    [
        (None, "None"),
        (f"md5-dir:{'0' * 32}", "Weak"),
        ("etag:x", "Weak"),
        (DIGEST, "Recorded"),
        ("blake3:0", "Recorded"),
    ],
)
def test_what_a_digest_is_worth(digest: str | None, strength: str) -> None:
    assert strength_of(digest) == strength


def test_words_in_a_uri_are_replaced() -> None:
    listed = [
        {"name": "model", "uri": "file:///m", "digest": DIGEST},
        {"name": "t", "uri": "u", "manifestDigest": DIGEST},
    ]
    words = {"model": "fraud", "version": "1.1.0"}
    with_uris(listed, {"model": "s3://b/{model}/{version}.onnx", "t": "s3://b/{sha256}/"}, words)
    assert [each["uri"] for each in listed] == ["s3://b/fraud/1.1.0.onnx", f"s3://b/{'0' * 64}/"]
    with pytest.raises(RegisterError, match=r"there is no \{name\}; there are \{model\}, \{version\}, \{sha256\}"):
        with_uris(listed, {"model": "s3://{name}"}, words)
    with pytest.raises(RegisterError, match="--uri names x; there are model, t"):
        with_uris(listed, {"x": "s3://"}, words)
