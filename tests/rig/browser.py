"""A Chromium without a window for the tests of web pages.

Where it comes from, the first that answers:

1. `PENNANT_TEST_BROWSER`, the path of a Chromium or Chrome;
2. one that is on the `PATH`;
3. our cache, into which Debian's package and what the machine lacks for it is unpacked the first time: nothing is
   installed on the machine, so no rights are needed. apt checks the signatures.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from rig.errors import DownloadError
from rig.store import alone, cache, install

VARIABLE = "PENNANT_TEST_BROWSER"
NAMES = ("chromium-headless-shell", "chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
PACKAGES = ("chromium-headless-shell", "fonts-dejavu-core")
PROGRAM = "usr/lib/chromium/chromium-headless-shell"
FETCH_SECONDS = 900
FONTS = """<?xml version="1.0"?>
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{root}/usr/share/fonts</dir>
  <cachedir>{root}/fonts-cache</cachedir>
  <alias><family>system-ui</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""
OTHERWISE = f"install Chromium or Chrome, or set {VARIABLE} to the path of one"


def browser() -> Path:
    """Return the program; unpacks Debian's package the first time where the machine has none."""
    return find() or _unpacked()


def find() -> Path | None:
    """Return the program if it is there already."""
    if named := os.environ.get(VARIABLE):
        if not os.access(named, os.X_OK):
            raise DownloadError(f"{VARIABLE} is {named}, which is no program")
        return Path(named)
    on_path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if on_path is not None:
        return Path(on_path)
    return _kept() if _kept().exists() else None


def _kept() -> Path:
    return cache() / "browser" / "bin" / "chromium"


def _unpacked() -> Path:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise DownloadError(f"there is no browser for the tests, and no apt to fetch one with: {OTHERWISE}")
    home = cache() / "browser"
    with alone(home):
        if not _kept().exists():
            with tempfile.TemporaryDirectory(dir=home, prefix=".download-") as scratch:
                packages = fetch(Path(scratch))
                shutil.rmtree(home / "root", ignore_errors=True)
                for each in packages:
                    _run("dpkg", "--extract", str(each), str(home / "root"))
                _wrap(home / "root", Path(scratch))
    return _kept()


def fetch(scratch: Path, status: Path = Path("/var/lib/dpkg/status")) -> list[Path]:
    """Download the packages that are not installed by this status of dpkg, with lists of their own."""
    state, packages = scratch / "state", scratch / "cache"
    for each in (state / "lists" / "partial", packages / "archives" / "partial"):
        each.mkdir(parents=True)
    own = (f"Dir::State={state}", f"Dir::State::status={status}", f"Dir::Cache={packages}", "Debug::NoLocking=1")
    options = [part for each in own for part in ("-o", each)]
    _run("apt-get", *options, "--quiet", "update")
    wanted = ["--yes", "--no-install-recommends", "--download-only", "install", *PACKAGES]
    _run("apt-get", *options, "--quiet", *wanted)
    return sorted((packages / "archives").glob("*.deb"))


def _wrap(root: Path, scratch: Path) -> None:
    """Make the program that starts the unpacked one with the libraries and fonts that came with it."""
    if not (root / PROGRAM).exists():
        raise DownloadError(f"Debian's package has no {PROGRAM}: {OTHERWISE}")
    libraries = sorted({str(each.parent) for each in root.rglob("*.so*") if "chromium" not in each.parts})
    fonts = scratch / "fonts.conf"
    fonts.write_text(FONTS.format(root=root))
    install(fonts, root / "fonts.conf")
    made = scratch / "chromium"
    made.write_text(
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH='{':'.join(libraries)}' FONTCONFIG_FILE='{root}/fonts.conf'\n"
        f"exec '{root / PROGRAM}' \"$@\"\n"
    )
    _kept().parent.mkdir(exist_ok=True)
    install(made, _kept())


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
    if done.returncode != 0:
        said = f"{done.stdout}{done.stderr}".strip().splitlines()[-10:]
        raise DownloadError(f"{command[0]} could not fetch a browser for the tests ({OTHERWISE}):\n" + "\n".join(said))
