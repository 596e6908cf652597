"""Digests of contents, and digests that registries write in different ways."""

import pytest

from pennant.core.facts.digest import comparable, content_digest

SHA = "0f" * 32


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"sha256:{SHA}", f"sha256:{SHA.upper()}"),
        ("md5:7ac66c0f148de9519b8bd264312c4d64", "md5:esZsDxSN6VGbi9JkMSxNZA=="),
        ("mlflow:062ac4fa", "mlflow:062AC4FA"),
    ],
)
def test_two_ways_to_write_a_digest_are_equal(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)
    record = {"artifacts": [{"name": "model", "uri": "s3://a", "digest": one}]}
    same = {"artifacts": [{"name": "model", "uri": "s3://b", "digest": other}]}
    assert content_digest(record) == content_digest(same)


@pytest.mark.parametrize(("one", "other"), [("etag:aB", "etag:ab"), ("crc32c:yZRlqg==", "crc32c:yzrlqg==")])
def test_what_is_no_hexadecimal_number_keeps_its_letters(one: str, other: str) -> None:
    assert comparable(one) != comparable(other)
