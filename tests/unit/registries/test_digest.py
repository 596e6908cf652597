"""Digests of artefacts, computed from the bytes that a registry gives."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pennant.record.hashing import of_list
from pennant.registries.changes import Changes, changes
from pennant.registries.digest import verified
from pennant.registries.protocol import File, FoundVersion, RegistryError, Selection

WEIGHTS, VOCABULARY = b"weights", b"vocabulary"
MD5 = f"md5:{hashlib.md5(WEIGHTS).hexdigest()}"
SHA256 = f"sha256:{hashlib.sha256(WEIGHTS).hexdigest()}"


class Listed:
    """A registry with the files that a test names."""

    def __init__(self, *files: tuple[File, bytes]) -> None:
        self.contents = {(file.artifact, file.path): body for file, body in files}
        self.listed = [file for file, _ in files]

    async def models(self) -> AsyncIterator[str]:
        yield "fraud"

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[FoundVersion]:
        yield found()

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        for each in self.listed:
            yield each

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        yield self.contents[file.artifact, file.path]


def found(*artifacts: dict[str, Any]) -> FoundVersion:
    record = {"artifacts": list(artifacts), "source": {"registry": "DVC", "annotations": {"stage": "prod"}}}
    return FoundVersion("fraud", "3", record)


MODEL = {"name": "model", "uri": "s3://models/3/weights.bin"}
TOKENIZER = {"name": "tokenizer", "uri": "s3://models/3/tokenizer/"}


async def test_a_file_and_a_directory_each_get_their_own_kind_of_digest() -> None:
    files = (File("", 7), WEIGHTS), (File("vocab.txt", None, "tokenizer"), VOCABULARY)
    record = await verified(Listed(*files), found({**MODEL, "digest": MD5}, TOKENIZER))
    assert record["artifacts"] == [
        {**MODEL, "digest": SHA256, "sizeBytes": 7},
        {
            **TOKENIZER,
            "manifestDigest": of_list({"vocab.txt": hashlib.sha256(VOCABULARY).hexdigest()}),
            "sizeBytes": 10,
        },
    ]
    assert record["source"]["annotations"] == {"digest.model": MD5, "stage": "prod"}


@pytest.mark.parametrize("listed", [MD5, MD5.upper().replace("MD5", "md5"), SHA256, "etag:5d41402a", None])
async def test_bytes_that_are_those_of_the_registry_are_taken(listed: str | None) -> None:
    record = await verified(Listed((File("", 7, digest=listed), WEIGHTS)), found(MODEL))
    assert record["artifacts"][0]["digest"] == SHA256


@pytest.mark.parametrize("listed", [MD5, "md5:7UOCbxaD1uSn3d5lsAP3JA==", SHA256])
async def test_other_bytes_than_those_of_the_registry_are_refused_with_both_digests(listed: str) -> None:
    with pytest.raises(RegistryError, match=r"has the digest \w+:\w+, and the registry lists .*: the bytes are not"):
        await verified(Listed((File("", 7, digest=listed), b"tampered"[:7])), found(MODEL))


@pytest.mark.parametrize("names", [("a", "a"), ("", ""), ("", "a"), ("a", "")])
async def test_a_file_that_is_listed_twice_is_refused(names: tuple[str, str]) -> None:
    with pytest.raises(RegistryError, match="twice"):
        await verified(Listed(*((File(each, None), WEIGHTS) for each in names)), found(MODEL))


async def test_an_artefact_without_files_is_refused() -> None:
    with pytest.raises(RegistryError, match="the artefact tokenizer has no files"):
        await verified(Listed((File("", None), WEIGHTS)), found(MODEL, TOKENIZER))


async def test_a_digest_of_the_bytes_does_not_contradict_that_of_the_registry() -> None:
    names = {"model": "fraud", "version": "3"}
    weak = {**names, **found({**MODEL, "digest": MD5}).record}
    strong = {**names, **(await verified(Listed((File("", 7), WEIGHTS)), found({**MODEL, "digest": MD5})))}
    assert changes(strong, weak).changed == changes(weak, strong).changed == ()
    other = {**names, **found({**MODEL, "digest": f"md5:{'0' * 32}"}).record}
    assert changes(strong, other).changed == ("artifacts[model].digest",)
    assert changes(weak, other) == Changes(("artifacts[model].digest",), (), ())
