"""Signatures by the command line of model-signing, of artefacts that are then changed."""

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pennant.fetching import command
from pennant.record import hashing
from pennant.record.progress import Silent
from unit.fetching.conftest import Fetcher, sha256
from unit.fetching.test_unpack import a_tar

MODEL = b"weights" * 1000
PUBLIC = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class Signer:
    """A private key in a file, and the public one."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        self._private, self.public = directory / "private.pem", directory / "public.pem"
        kinds = (serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        self._private.write_bytes(key.private_bytes(serialization.Encoding.PEM, *kinds))
        self.public.write_bytes(key.public_key().public_bytes(*PUBLIC))

    def sign(self, place: Path) -> Path:
        signature = place.with_name(f"{place.name}.sig")
        words = ["sign", "key", "--private_key", self._private, "--signature", signature, place]
        subprocess.run([sys.executable, "-m", "model_signing", *map(str, words)], check=True, capture_output=True)
        return signature


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "signer")


def signed(signer: Signer, signature: Path, place: Path, *options: str) -> list[str]:
    of = hashing.of_path(place, Silent()).digest
    uri = f"{place.as_uri()}/" if place.is_dir() else place.as_uri()
    return [*options, f"--public-key={signer.public}", f"--signature=model={signature.as_uri()}", f"model={uri}@{of}"]


def test_an_artefact_serves_only_with_a_signature_of_the_key(fetch: Fetcher, signer: Signer, tmp_path: Path) -> None:
    """Rule: R167."""
    model = tmp_path / "model.onnx"
    model.write_bytes(MODEL)
    signature = signer.sign(model)
    words = signed(signer, signature, model)
    assert "model: has a valid signature" in fetch(*words)
    assert fetch.there() == {"model/model.onnx": MODEL}
    assert "model: has a valid signature" in fetch(*words), "what is there is checked again"

    other = Signer(tmp_path / "other")
    fetch(*signed(other, signature, model), code=66)
    assert "is refused: its signature is not one of the key in spec.delivery.publicKey" in fetch.why
    # Somebody has changed the artefact and the record.
    model.write_bytes(b"changed")
    fetch(*signed(signer, signature, model), code=66)
    assert "its signature is not one of the key" in fetch.why
    assert b"changed" not in fetch.there().values()
    own = fetch.volume / ".pennant"
    assert [each for each in own.iterdir() if each.suffix in (".sig", ".pub")] == []


def test_a_directory_with_one_more_file_is_not_what_was_signed(fetch: Fetcher, signer: Signer, tmp_path: Path) -> None:
    """Rule: R167."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights.bin").write_bytes(MODEL)
    signature = signer.sign(model)
    fetch(*signed(signer, signature, model))
    assert fetch.there() == {"model/weights.bin": MODEL}
    (model / "loader.py").write_bytes(b"import os")
    fetch(*signed(signer, signature, model), code=66)
    assert "loader.py" not in str(fetch.there())


def test_an_archive_is_signed_before_it_is_unpacked(fetch: Fetcher, signer: Signer, tmp_path: Path) -> None:
    """What is there without a signature, such as for another deployment with the claim, is checked too.

    Rule: R167.
    """
    archive = tmp_path / "model.tar"
    archive.write_bytes(a_tar({"weights.bin": MODEL}))
    words = signed(signer, signer.sign(archive), archive, "--unpack=model")
    fetch("--unpack=model", words[-1])
    assert "has a valid signature" in fetch(*words)
    assert "is there" in fetch(*words)
    assert fetch.there() == {"model/weights.bin": MODEL}


@pytest.mark.parametrize("content", [b"", b"{}", b"no signature", b"{" * 1000])
def test_what_is_no_signature_is_refused(fetch: Fetcher, signer: Signer, tmp_path: Path, content: bytes) -> None:
    model, signature = tmp_path / "model.onnx", tmp_path / "s.sig"
    model.write_bytes(MODEL)
    signature.write_bytes(content)
    fetch(*signed(signer, signature, model), code=66)
    assert fetch.there() == {}


def test_what_is_no_key_of_an_elliptic_curve_is_named(fetch: Fetcher, signer: Signer, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(MODEL)
    signature = signer.sign(model)
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    for content in (b"", own.public_bytes(*PUBLIC)):
        signer.public.write_bytes(content)
        fetch(*signed(signer, signature, model), code=66)
        assert "spec.delivery.publicKey is no public key of an elliptic curve in PEM" in fetch.why


def test_with_a_key_each_artefact_needs_a_signature_and_without_one_none_is_accepted(
    fetch: Fetcher, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rule: R167."""
    model = tmp_path / "m"
    model.write_bytes(MODEL)
    word = f"--artifact=model={model.as_uri()}@{sha256(MODEL)}"
    monkeypatch.setenv("PENNANT_PUBLIC_KEY", signer.public.read_text())
    fetch(word, code=66)
    assert "it has no signature, and spec.delivery.publicKey is set" in fetch.why
    monkeypatch.setenv("PENNANT_PUBLIC_KEY", "")
    fetch(word, code=66)
    monkeypatch.delenv("PENNANT_PUBLIC_KEY")
    for options, says in (
        ([word, "--signature=model=file:///s"], "--signature needs --public-key"),
        ([word, f"--public-key={signer.public}", "--signature=other=file:///s"], "--signature names other"),
        ([word, "--public-key=/nonexistent"], "/nonexistent cannot be read"),
        ([word, "--signature=model"], "must be NAME=URI"),
    ):
        with pytest.raises(SystemExit):
            command.main([f"--to={tmp_path}/to", *options])
        assert says in capsys.readouterr().err
    assert fetch.there() == {}
