"""Small files of others are read with limits, and broken ones are refused with a sentence."""

from pathlib import Path

import pytest

from pennant.record import texts
from pennant.record.errors import RegisterError
from pennant.record.texts import documents_of, flattened, parsed, text_of, values_of

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "suffix", "says"),
    [
        (BOMB, ".yaml", "has more than 200000 values"),
        ("[" * 5000 + "]" * 5000, ".yaml", "nested"),
        ("[" * 100_000, ".json", "nested too deeply"),
        ("a: " + "[" * 40 + "]" * 40, ".yaml", "nested in more than 32 levels"),
        ("a: &a [*a]", ".yaml", "nested in more than 32 levels"),
        ('{"a": 1, "a": 2}', ".json", "a is written twice"),
        ("{", ".json", "cannot be read"),
        ("a: [", ".yaml", "is no YAML"),
        ("a = [", ".toml", "cannot be read"),
        ('{"a": ' + "9" * 5000 + "}", ".json", "cannot be read"),
        ("!!python/object/apply:os.system [id]", ".yaml", "is no YAML"),
        ("a: \x00", ".yaml", "is no YAML"),
    ],
)
def test_a_broken_or_hostile_text_is_refused(text: str, suffix: str, says: str) -> None:
    with pytest.raises(RegisterError, match="the file") as caught:
        parsed(text, suffix, "the file")
    assert says in str(caught.value)


def test_a_time_in_yaml_is_a_text_and_all_formats_agree(tmp_path: Path) -> None:
    written = {"a.json": '{"a": {"b": 1.5}}', "a.toml": "[a]\nb = 1.5", "a.yaml": "a: {b: 1.5}"}
    for name, text in written.items():
        (tmp_path / name).write_text(text)
        assert values_of(tmp_path / name) == {"a": {"b": 1.5}}
    assert parsed("a: 2024-05-01", ".yaml", "") == {"a": "2024-05-01"}
    (tmp_path / "two.yaml").write_text("a: 1\n---\nb: 2024-05-01T00:00:00Z\n")
    assert documents_of(tmp_path / "two.yaml") == [{"a": 1}, {"b": "2024-05-01T00:00:00Z"}]


def test_files_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "latin").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_bytes(b"x" * 20)
    monkeypatch.setattr(texts, "LARGEST", 10)
    for name, says in (("none", "does not exist"), ("", "is no file"), ("latin", "is no text in UTF-8")):
        with pytest.raises(RegisterError, match=says):
            text_of(tmp_path / name)
    with pytest.raises(RegisterError, match="has 20 bytes; at most 10 are read"):
        text_of(tmp_path / "large", 10)
    (tmp_path / "bom").write_bytes(b"\xef\xbb\xbfa")
    assert text_of(tmp_path / "bom") == "a"


def test_names_of_nested_values_are_joined() -> None:
    assert list(flattened({"a": {"b": 1, "c": {"d": [1]}}, 2: None})) == [("a.b", 1), ("a.c.d", [1]), ("2", None)]
