"""The file of metric sources: names for URLs, and clear words for what is wrong."""

import traceback
from pathlib import Path

import pytest

from pennant.metrics.config import SourcesError, load
from pennant.runtime.app import SystemClock


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    return path


def test_sources_are_known_by_name(tmp_path: Path) -> None:
    path = write(
        tmp_path, "sources: {default: {url: http://prometheus:9090}, other: {type: prometheus, url: https://thanos/x}}"
    )
    assert sorted(load(path, lambda *_: None, SystemClock())) == ["default", "other"]


def test_without_a_file_there_are_none() -> None:
    assert len(load(None, lambda *_: None, SystemClock())) == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sources: {default: {url: ftp://x}}", "sources.default.url: must be an http or https URL"),
        ("sources: {default: {url: 'http://u:p@x'}}", "sources.default.url: must not hold credentials; use basicAuth"),
        ("sources: {default: {url: http://x, token: y}}", "sources.default.token: Extra inputs are not permitted"),
        ("sources: {default: {}}", "sources.default.url: Field required"),
        ("{}", "sources: Field required"),
        ("sources: {default: {url: http://x, type: graphite}}", "sources.default: type must be one of prometheus"),
        ("sources: {default: {url: http://x, type: [prometheus]}}", "sources.default: type must be one of prometheus"),
        ("sources: {default: {url: http://x, timeout_seconds: 1}}", "sources.default.timeout_seconds: Extra inputs"),
        ("sources: {default: http://x}", "sources.default: Input should be"),
        ("sources: {default: {url: http://x, timeoutSeconds: 0}}", "sources.default.timeoutSeconds"),
        ("sources: {default: {url: http://x, concurrentQueries: 0}}", "sources.default.concurrentQueries"),
        (
            "sources: {d: {url: http://x, bearerTokenFile: /t, basicAuth: {username: u, passwordFile: /p}}}",
            "sources.d: set at most one of bearerTokenFile and basicAuth",
        ),
        ("sources: {d: {url: http://x, namespaces: []}}", "sources.d.namespaces"),
        ("sources: {d: {url: http://x, namespaces: [Shop]}}", "sources.d.namespaces.0"),
        ("sources: {d: {url: http://x, namespaceLabel: a-b}}", "sources.d.namespaceLabel"),
        ("sources: {d: {url: http://x, namespaceLabel: alertname}}", "must be the label that has the namespace"),
        ("sources: {d: {url: http://x, headerFiles: {'X: y': /t}}}", "sources.d.headerFiles"),
        (
            "sources: {d: {url: http://x, headers: {x-key: '1'}, headerFiles: {X-Key: /t}}}",
            "sources.d: the header x-key is set twice, by headers, headerFiles or a credential",
        ),
        (
            "sources: {d: {url: http://x, bearerTokenFile: /b, headerFiles: {Authorization: /t}}}",
            "sources.d: the header authorization is set twice",
        ),
        ("sources: [", "the file cannot be read as YAML: line 1, column 11"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SourcesError) as caught:
        load(write(tmp_path, text), lambda *_: None, SystemClock())
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "{url: http://x, headers: {X-Api-Key: hush hush, ]}}",
        '"hush \\q hush"',
        "*hush",
        "!hush x",
        "hush: hush: hush",
        "\tx: hush",
        "\x00 hush",
        "\udcff hush",
    ],
)
def test_of_a_file_that_cannot_be_read_no_line_is_quoted(tmp_path: Path, line: str) -> None:
    """Rule: R100."""
    path = tmp_path / "sources.yaml"
    path.write_bytes(f"sources:\n  default: {line}\n".encode(errors="surrogateescape"))
    with pytest.raises(SourcesError) as caught:
        load(path, lambda *_: None, SystemClock())
    assert str(path) in str(caught.value)
    assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourcesError, match="nowhere"):
        load(tmp_path / "nowhere", lambda *_: None, SystemClock())
