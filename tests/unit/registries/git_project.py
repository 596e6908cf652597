"""Git repositories with tags, as teams have them, with times that a test chooses."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from unit.record.projects import HOME

SHA256 = "ab" * 32
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA256}\nsize 12345\n"
ORIGIN = "https://bot:secret@git.example/shop/fraud.git"
BOB = {"GIT_COMMITTER_NAME": "bob", "GIT_COMMITTER_EMAIL": "bob@shop.example"}


def run(root: Path, *words: str, day: int = 1, text: bytes | None = None) -> str:
    """Run git as ada, who commits through bob, on a day of January 2026."""
    at = f"2026-01-{day:02}T10:00:00Z"
    done = subprocess.run(
        ["git", "-C", str(root), *words],
        env={**os.environ, **HOME, **BOB, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at},
        input=text,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def repository(root: Path, origin: str | None = ORIGIN, hashes: str = "sha1") -> Path:
    """Return a repository without commits."""
    root.mkdir(parents=True)
    run(root, "init", "--quiet", "--initial-branch=main", f"--object-format={hashes}")
    if origin is not None:
        run(root, "remote", "add", "origin", origin)
    return root


def commit(root: Path, files: Mapping[str, str | bytes | None], message: str = "Train", day: int = 1) -> str:
    """Write files, remove those that are None, and commit; returns the hash."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    run(root, "add", "--all", "--force")
    run(root, "commit", "--quiet", "--allow-empty", f"--message={message}", day=day)
    return run(root, "rev-parse", "HEAD")


def tag(root: Path, name: str, message: str | None = None, day: int = 1, at: str = "HEAD") -> None:
    """Make a tag, which is annotated if it has a message."""
    run(root, "tag", *(("--annotate", f"--message={message}") if message else ()), name, at, day=day)
