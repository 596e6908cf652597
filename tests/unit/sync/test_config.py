"""The file of registries: what it may say, and that a mistake is named with its fix."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.registries.catalogue import KINDS
from pennant.runtime.settings import WrongSettings, read
from pennant.sync.config import ConfigError, RegistrySettings, SyncFile, load
from pennant.sync.reference import example, page
from pennant.sync.settings import SyncSettings

LEAST = {"name": "mlflow", "kind": "mlflow", "namespace": "shop"}


def written(path: Path, *registries: Any, **more: Any) -> Path:
    file = path / "sync.yaml"
    file.write_text(yaml.safe_dump({"registries": list(registries), **more}))
    return file


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    """Rule: R200. Nothing but new versions is written unless it is asked for."""
    (found,) = load(written(tmp_path, LEAST)).registries
    assert (found.aliases, found.wish.tags, found.models, found.versions) == ({}, {}, (), "NewestAndAliased")
    assert (found.poll_seconds, found.settle_seconds, found.verify) == (60, 600, False)


def test_the_example_of_the_reference_has_all_fields_and_is_valid() -> None:
    given = example()
    found = SyncFile.model_validate(given)
    assert given["registries"][0].keys() == {each.alias or name for name, each in RegistrySettings.model_fields.items()}
    assert found.registries[0].since == datetime(2026, 5, 1, tzinfo=UTC)
    (block,) = (each for each in page().split("```yaml\n")[1:])
    assert yaml.safe_load(block.partition("```")[0]) == given


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "nope"}, f"kind: must be one of {', '.join(KINDS)}"),
        ({"name": "ML Flow"}, "name: "),
        ({"address": "https://user:secret@mlflow.example"}, "address: must not hold credentials; use credentialsDir"),
        ({"namespace": None}, "namespace: "),
        ({"pollSeconds": 0}, "pollSeconds: Input should be greater than or equal to 1"),
        ({"aliases": {"a": "production", "b": "production"}}, "aliases: the tag production follows more than one"),
        ({"aliases": {"a": "no tag!"}}, "aliases.a: "),
        ({"alias": {}}, "alias: Extra inputs are not permitted"),
        ({"versions": "Newest"}, "versions: Input should be 'NewestAndAliased' or 'All'"),
    ],
    ids=str,
)
def test_a_mistake_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, LEAST | change))
    assert f"registries.0.{said}" in str(raised.value).replace("registries.0: ", "registries.0.")
    assert "secret" not in str(raised.value)


def test_two_registries_have_two_names(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the name mlflow is used more than once"):
        load(written(tmp_path, LEAST, LEAST))


@pytest.mark.parametrize("text", ["registries: [", "- 1", "registries: []", "\xff"], ids=repr)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sync.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"sync\.yaml"):
        load(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "nothing")


def test_credentials_are_the_files_of_a_directory_and_are_read_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "of the process")
    # As the kubelet mounts a Secret.
    inner = tmp_path / "..2026"
    inner.mkdir()
    (inner / "MLFLOW_TRACKING_TOKEN").write_text("one\n")
    (tmp_path / "..data").symlink_to(inner)
    (tmp_path / "MLFLOW_TRACKING_TOKEN").symlink_to(tmp_path / "..data" / "MLFLOW_TRACKING_TOKEN")
    (tmp_path / "ca.crt").write_text("no variable")
    settings = RegistrySettings.model_validate({**LEAST, "credentialsDirectory": str(tmp_path)})
    assert settings.environment()["MLFLOW_TRACKING_TOKEN"] == "one"
    assert "ca.crt" not in settings.environment()
    (inner / "MLFLOW_TRACKING_TOKEN").write_text("two")
    assert settings.environment()["MLFLOW_TRACKING_TOKEN"] == "two"
    assert RegistrySettings.model_validate(LEAST).environment()["MLFLOW_TRACKING_TOKEN"] == "of the process"


def test_settings_are_flags_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENNANT_SYNC_PORT", "8081")
    monkeypatch.setenv("PENNANT_SYNC_CONFIG", "/etc/pennant/sync.yaml")
    assert read(SyncSettings, ["--webhook-port=8082"]).model_dump(include={"config", "port", "webhook_port"}) == {
        "config": Path("/etc/pennant/sync.yaml"),
        "port": 8081,
        "webhook_port": 8082,
    }
    monkeypatch.delenv("PENNANT_SYNC_CONFIG")
    with pytest.raises(WrongSettings, match="config: Field required"):
        read(SyncSettings, [])


@pytest.mark.parametrize("name", SyncSettings.model_fields)
def test_the_example_of_a_setting_is_accepted(name: str) -> None:
    section = page().split(f"## `--{name.replace('_', '-')}`\n")[1]
    example = section.split("**Example:** `")[1].split("`")[0]
    field = SyncSettings.model_fields[name]
    found = read(SyncSettings, ["--config=/etc/pennant/other.yaml", example])
    assert str(getattr(found, name)) == str(field.examples[0] if field.examples else None)
    assert getattr(found, name) != field.default


def test_every_setting_is_documented() -> None:
    for name, field in (*SyncSettings.model_fields.items(), *RegistrySettings.model_fields.items()):
        assert (field.description or "").rstrip("`").endswith("."), name
        assert field.examples, name
