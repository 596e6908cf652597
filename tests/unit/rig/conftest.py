"""A place for programs that is nobody's cache, and a Go that builds in no time."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rig import build, store

GO = """#!{python} -S
import json, os, sys, time
from pathlib import Path
home, arguments = Path({home!r}), sys.argv[1:]
if arguments[0] == "list":
    print("example/a\\nexample/b")
elif arguments[0] == "mod":
    print((home / "module").read_text())
elif arguments[0] == "build":
    made, package = arguments[-2:]
    with (home / "built").open("a") as log:
        log.write(json.dumps(package) + "\\n")
    print("example/a", flush=True)
    if (home / package.split("/")[-1]).exists():
        (home / "pid").write_text(str(os.getpid()))
        time.sleep(60)
    if (home / "broken").exists():
        sys.exit("x.go:1:1: it does not compile")
    Path(made).write_text("#!/bin/sh\\n")
"""


def until(holds: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class FakeGo:
    """Notes what it is told to build; hangs at a package if told so, or breaks."""

    def __init__(self, home: Path) -> None:
        self.home, self.path = home, home / "go"
        self.path.write_text(GO.format(python=sys.executable, home=str(home)))
        self.path.chmod(0o755)

    @property
    def built(self) -> list[str]:
        log = self.home / "built"
        return [json.loads(line).split("/")[-1] for line in log.read_text().splitlines()] if log.exists() else []

    def hangs_at(self, package: str) -> None:
        (self.home / package).touch()

    def goes_on(self, package: str) -> None:
        (self.home / package).unlink()

    def downloads(self, directory: str) -> None:
        (self.home / "module").write_text(json.dumps({"Dir": directory}))

    def breaks(self) -> None:
        (self.home / "broken").touch()

    @property
    def hanging_pid(self) -> int | None:
        found = self.home / "pid"
        return int(found.read_text() or 0) or None if found.exists() else None


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(store.ASSETS, raising=False)
    return store.cache()


@pytest.fixture
def go(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    home = tmp_path / "go"
    home.mkdir()
    fake = FakeGo(home)
    monkeypatch.setattr(build, "find_go", lambda: fake.path)
    return fake
