"""The commit of the checkout that trained the version, and whether tracked files had uncommitted changes."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pennant.record.merging import Part
from pennant.record.secrecy import without_credentials

SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Checkout:
    """What git says about a directory."""

    part: Part
    root: Path | None
    """The top of the work tree; None: the directory is in none."""


def read(directory: Path) -> Checkout:
    """Return repository, commit, tag and state of a checkout, and the author as git is configured.

    Files that git does not track do not make a tree dirty: a training run writes its own results.
    """
    try:
        top = _git(directory, "rev-parse", "--show-toplevel")
    except FileNotFoundError:
        return Checkout(Part("git", {}, ("git is not installed, so its commit is not recorded",)), None)
    if top.code:
        why = f"{directory} is in no git repository" if "not a git repository" in top.error else top.error
        return Checkout(Part("git", {}, (f"no commit is recorded: {why}",)), None)
    root = Path(top.text)
    author = _author(root)
    head = _git(root, "rev-parse", "--verify", "HEAD")
    if head.code:
        return Checkout(Part("git", author, (f"no commit is recorded: {root} has no commit yet",)), root)
    remote = _git(root, "remote", "get-url", "origin").text
    status = _git(root, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=none")
    code: dict[str, object] = {"repository": without_credentials(remote)} if remote else {}
    code |= {"commit": head.text, "dirty": bool(status.text)}
    if tag := _git(root, "describe", "--tags", "--exact-match").text:
        code["tag"] = tag
    return Checkout(Part("git", {"code": code, **author}, tuple(_warnings(status))), root)


def _warnings(status: "_Said") -> list[str]:
    found = []
    if status.code:
        found.append(f"git cannot tell whether there are uncommitted changes: {status.error}")
    elif lines := status.text.splitlines():
        names = ", ".join(line[2:].strip() for line in lines[:3])
        more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
        found.append(
            f"the working tree has uncommitted changes ({names}{more}); code.dirty is true, and the commit alone does "
            "not say which code trained this version. Commit before training"
        )
    return found


def _author(root: Path) -> dict[str, object]:
    name, email = (_git(root, "config", "--get", f"user.{each}").text for each in ("name", "email"))
    return {"author": {"name": name, **({"email": email} if email else {})}} if name else {}


@dataclass(frozen=True, slots=True)
class _Said:
    code: int
    text: str
    error: str


def _git(directory: Path, *arguments: str) -> _Said:
    """Return what git says; raises `FileNotFoundError` where it is not installed."""
    environment = os.environ | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=environment,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _Said(1, "", f"git {arguments[0]} takes longer than {SECONDS:.0f} seconds")
    said, error = (each.decode(errors="replace") for each in (done.stdout, done.stderr))
    return _Said(done.returncode, said.strip("\n") if not done.returncode else "", " ".join(error.split()))
