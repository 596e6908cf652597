"""`pennant fetch` in this process, and as a process that is killed."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pennant.fetching import command, download


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Fetcher:
    """The command, with a volume of its own."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.volume, self.log, self._capsys = root / "models", root / "termination-log", capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        """Fetch `NAME=URI@DIGEST`s, with options; return what is logged."""
        artifacts = [word if word.startswith("--") else f"--artifact={word}" for word in words]
        self.log.unlink(missing_ok=True)
        found = command.main([f"--to={self.volume}", f"--termination-log={self.log}", *artifacts])
        said = self._capsys.readouterr().err
        assert found == code, said
        return said

    @property
    def why(self) -> str:
        """What the command says to Kubernetes."""
        return self.log.read_text() if self.log.exists() else ""

    def there(self) -> dict[str, bytes]:
        """Return what may be served."""
        found = (each for each in self.volume.rglob("*") if each.is_file())
        names = {each.relative_to(self.volume).as_posix(): each for each in found}
        return {name: each.read_bytes() for name, each in names.items() if not name.startswith(".pennant")}

    def unfinished(self) -> list[Path]:
        return sorted(each for each in (self.volume / ".pennant").glob("*.part"))


@pytest.fixture
def fetch(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetcher]:
    monkeypatch.setattr(download, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr("pennant.fetching.command.signal.signal", lambda *_: None)
    mask = os.umask(0o022)
    yield Fetcher(tmp_path, capsys)
    os.umask(mask)
