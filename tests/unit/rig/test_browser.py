"""Where the browser of the tests comes from. That Debian's package starts is shown where a test opens a page."""

import subprocess
from pathlib import Path

import pytest

from rig import browser
from rig.errors import DownloadError


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only directory on the PATH of a machine without a browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    return tmp_path


def a_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_environment_names_it(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(bare / "chromium")
    named = a_program(bare / "mine")
    monkeypatch.setenv(browser.VARIABLE, str(named))
    assert browser.browser() == named


def test_a_name_that_is_no_program_is_an_error(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(browser.VARIABLE, "/nowhere")
    with pytest.raises(DownloadError, match="PENNANT_TEST_BROWSER is /nowhere"):
        browser.browser()


def test_one_on_the_path_comes_before_the_cache(cache: Path, bare: Path) -> None:
    kept = a_program(cache / "browser" / "bin" / "chromium")
    assert browser.browser() == kept
    on_path = a_program(bare / "google-chrome")
    assert browser.browser() == on_path


def test_without_apt_the_error_says_what_to_set(cache: Path, bare: Path) -> None:
    with pytest.raises(DownloadError, match="install Chromium or Chrome, or set PENNANT_TEST_BROWSER"):
        browser.browser()


def test_what_apt_says_is_in_the_error(cache: Path, bare: Path) -> None:
    a_program(bare / "dpkg")
    failing = a_program(bare / "apt-get")
    failing.write_text("#!/bin/sh\necho 'E: Unable to locate package'\nexit 100\n")
    with pytest.raises(DownloadError, match="Unable to locate package"):
        browser.browser()


def test_debians_package_is_unpacked_once(cache: Path, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, ...]] = []

    def run(*command: str) -> None:
        calls.append(command)
        if command[:2] == ("dpkg", "--extract"):
            a_program(Path(command[3]) / browser.PROGRAM).write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH $@"\n')
            a_program(Path(command[3]) / "usr" / "lib" / "x86_64-linux-gnu" / "libnss3.so")

    def fetched(scratch: Path) -> list[Path]:
        return [scratch / "chromium.deb"]

    for name in ("apt-get", "dpkg"):
        a_program(bare / name)
    monkeypatch.setattr(browser, "_run", run)
    monkeypatch.setattr(browser, "fetch", fetched)
    program = browser.browser()
    assert browser.browser() == program
    assert len(calls) == 1
    said = subprocess.run([program, "--flag"], capture_output=True, text=True, check=True).stdout
    assert said.endswith("/browser/root/usr/lib/x86_64-linux-gnu --flag\n")
