"""How versions of registries are named in a record."""

import re

import pytest

from pennant.api.meta import SEMVER_PATTERN, VERSION_PATTERN
from pennant.registries.names import kept, semantic
from pennant.registries.protocol import RegistryError


@pytest.mark.parametrize(
    ("name", "in_record"),
    [
        ("3", "3"),
        ("1.4.0", "1.4.0"),
        ("v3", "v3"),
        ("2024-05-01", "2024-05-01"),
        ("Release_7", "release-7"),
        ("v1.0 beta", "v1.0-beta"),
        ("1.4.0+gpu", "1.4.0-gpu"),
        ("Churn_Model", "churn-model"),
        ("--a..b--", "a.b"),
        ("Ünïcode", "unicode"),
        ("Cafe\u0301_Straße", "cafe-strasse"),
        ("Модель v2 模型", "v2"),
        ("0123456789ABCDEF", "0123456789abcdef"),
    ],
)
def test_a_name_is_kept_as_far_as_a_record_can_have_it(name: str, in_record: str) -> None:
    assert kept(name) == in_record
    assert re.fullmatch(VERSION_PATTERN, in_record)


@pytest.mark.parametrize("name", ["", "___", "日本"])
def test_a_name_without_letters_is_refused(name: str) -> None:
    with pytest.raises(RegistryError, match=r"has no letters from a to z and no digits.*\. Rename it in the registry"):
        kept(name)


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(
        RegistryError, match=r"has 64 characters, and a record has at most 63\. Rename it in the registry"
    ):
        kept("a" * 64)


@pytest.mark.parametrize(
    ("version", "in_order"),
    [
        ("3", "3.0.0"),
        ("0", "0.0.0"),
        ("v3", "3.0.0"),
        ("1.2", "1.2.0"),
        ("v1.2.3", "1.2.3"),
        ("1.2.3-RC.1", "1.2.3-rc.1"),
        ("2024-05-01", "2024.5.1"),
    ],
)
def test_a_version_becomes_a_semantic_one(version: str, in_order: str) -> None:
    assert semantic(version) == in_order
    assert re.fullmatch(SEMVER_PATTERN, in_order)


@pytest.mark.parametrize("version", ["0a1b2c3", "03", "2024-13-01", "release-7", "1.2.3.4", "٣"])
def test_a_version_without_an_order_is_refused(version: str) -> None:
    with pytest.raises(RegistryError, match="leave --as-semver out to keep its name"):
        semantic(version)
