"""`python -m rig build|up|down|status`: a local control plane on 127.0.0.1."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from rig import binaries, registries
from rig.browser import browser
from rig.cluster import Rig
from rig.download import download
from rig.errors import RigError, StartError
from rig.helm import PACKAGES, helm
from rig.parts import identity, owner
from rig.place import DEFAULT_PARTS, OPTIONAL_PARTS, checked, read_state
from rig.processes import Identity
from rig.programs import ARGOCD, PROGRAMS

UP_SECONDS, DOWN_SECONDS = 120, 30
# promtool checks rules in the tests.
DEFAULT_PROGRAMS = (*(part for part in DEFAULT_PARTS if part != "node"), "kubectl", "promtool")
# Only the tests of argocd/ need Argo CD, which takes as long to build as all of the control plane.
ARGOCD_PROGRAMS = tuple(program.name for program in PROGRAMS.values() if program.module is ARGOCD)


def main() -> int:
    """Run one command; return its exit code."""
    arguments = _parser().parse_args()
    try:
        code: int = arguments.run(arguments)
    except RigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rig", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="build|up|down|status")
    building = commands.add_parser("build", help="build what is missing of the programs")
    building.add_argument("program", nargs="*", help=f"one of {', '.join(PROGRAMS)} (default: what `up` needs)")
    building.add_argument("--all", action="store_true", help="all of them but Argo CD, Helm, and a browser")
    building.add_argument("--argocd", action="store_true", help="what `up` needs, Alertmanager, Helm 4, and Argo CD")
    building.add_argument("--registries", action="store_true", help="the environment of the tests of registries")
    building.add_argument("--download", action="store_true", help="first take the official release binaries there are")
    building.add_argument("--releases", metavar="URL", help="where --download finds v1.x.y/bin/linux/amd64/...")
    building.set_defaults(run=_build)
    for name, run, words in (
        ("up", _up, "start a control plane in the background"),
        ("down", _down, "stop it"),
        ("status", _status, "say what runs"),
        ("supervise", _supervise, "hold a control plane in the foreground until SIGTERM: what `up` starts"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--directory", type=Path, default=_default_directory(), help="default: %(default)s")
        command.set_defaults(run=run)
        if name == "status":
            command.add_argument("-o", "--output", choices=["table", "json"], default="table")
        if name in ("up", "supervise"):
            command.add_argument("--parts", default=",".join(DEFAULT_PARTS), help="default: %(default)s")
            command.add_argument("--with", dest="extra", action="append", default=[], choices=OPTIONAL_PARTS)
            command.add_argument("--scrape-interval", default="1s", help="of Prometheus; default: %(default)s")
    return parser


def _default_directory() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "pennant" / "rig"


def _build(arguments: argparse.Namespace) -> int:
    names = arguments.program or _group(arguments)
    if arguments.download:
        if arguments.releases is None:
            raise RigError("--download needs --releases URL: the place that has Kubernetes' official releases")
        download(binaries.missing(names), arguments.releases)
    if arguments.registries:
        print(f"{'registries':<25}{registries.python()}")
    for name, path in binaries.ensure(names).items():
        print(f"{name:<25}{path}")
    for major in PACKAGES if arguments.all else (4,) if arguments.argocd else ():
        print(f"{f'helm {major}':<25}{helm(major)}")
    if arguments.all:
        print(f"{'browser':<25}{browser()}")
    return 0


def _group(arguments: argparse.Namespace) -> list[str]:
    """Return the programs to build if none is named."""
    if arguments.all:
        return [name for name in PROGRAMS if name not in ARGOCD_PROGRAMS]
    return [*DEFAULT_PROGRAMS, *(("alertmanager", *ARGOCD_PROGRAMS) if arguments.argocd else ())]


def _parts(arguments: argparse.Namespace) -> tuple[str, ...]:
    return checked([*arguments.parts.split(","), *arguments.extra])


def _up(arguments: argparse.Namespace) -> int:
    directory, parts = arguments.directory.resolve(), _parts(arguments)
    if owner(directory) is not None:
        print(f"a control plane runs in {directory} already")
        return _status(argparse.Namespace(directory=directory, output="table"))
    binaries.ensure([*(part for part in parts if part != "node"), "kubectl"])
    directory.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rig", "supervise", "--directory", str(directory), "--parts", ",".join(parts)]
    log = directory.with_name(f"{directory.name}.supervisor.log")
    with log.open("w") as output:
        supervisor = subprocess.Popen(
            [*command, "--scrape-interval", arguments.scrape_interval],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    with _undone_on_error(supervisor):
        _wait_until_up(directory, supervisor, log)
    return _status(argparse.Namespace(directory=directory, output="table"))


@contextmanager
def _undone_on_error(supervisor: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        supervisor.terminate()
        supervisor.wait(DOWN_SECONDS)
        raise


def _wait_until_up(directory: Path, supervisor: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while (held := owner(directory)) is None or held[1]["ready_seconds"] is None:
        if supervisor.poll() is not None:
            raise StartError(log.read_text().removeprefix("error: ").rstrip())
        if time.monotonic() > deadline:
            raise StartError(f"the control plane was not ready within {UP_SECONDS} s; see {log}")
        time.sleep(0.05)


def _supervise(arguments: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, _end)
    with Rig.start(arguments.directory, _parts(arguments), arguments.scrape_interval, supervised=True) as rig:
        rig.supervise()
    return 0


def _end(*_: object) -> NoReturn:
    # The end is orderly: a second signal must not cut it short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def _down(arguments: argparse.Namespace) -> int:
    directory = arguments.directory.resolve()
    held = owner(directory)
    if held is not None:
        holder, state = held
        if not state["supervised"]:
            raise RigError(f"the control plane in {directory} belongs to process {holder.pid}, and ends with it")
        holder.signal(signal.SIGTERM)
        if not holder.ended_within(DOWN_SECONDS):
            holder.signal(signal.SIGKILL)
            holder.ended_within(DOWN_SECONDS)
    # Nothing should be left; where something is, it is ours by id and start time.
    for left in _running(read_state(directory) or {"processes": {}}).values():
        left.signal(signal.SIGKILL)
        left.ended_within(DOWN_SECONDS)
    print(f"no control plane runs in {directory}" if held is None else "stopped")
    return 0


def _running(state: dict[str, Any]) -> dict[str, Identity]:
    known = {name: identity(each["identity"]) for name, each in state["processes"].items()}
    return {name: each for name, each in known.items() if each is not None}


def _status(arguments: argparse.Namespace) -> int:
    directory = arguments.directory.resolve()
    held = owner(directory)
    report = {"running": held is not None, "directory": str(directory), **({} if held is None else _report(held[1]))}
    if arguments.output == "json":
        print(json.dumps(report, indent=1))
    elif held is None:
        print(f"no control plane runs in {directory}")
    else:
        _print_table(report)
    return 0 if held is not None else 1


def _report(state: dict[str, Any]) -> dict[str, Any]:
    running = _running(state)
    parts = {
        name: {
            "state": _state(running.get(name), each["ready_seconds"]),
            "pid": running[name].pid if name in running else None,
            "memory_bytes": _memory_bytes(running[name].pid) if name in running else None,
            "ready_seconds": each["ready_seconds"],
            "url": state["urls"].get(name),
            "log": each["log"],
        }
        for name, each in state["processes"].items()
    }
    return {"kubeconfig": state["kubeconfig"], "ready_seconds": state["ready_seconds"], "parts": parts}


def _state(running: Identity | None, ready_seconds: float | None) -> str:
    if running is None:
        return "stopped"
    return "starting" if ready_seconds is None else "ready"


def _memory_bytes(pid: int) -> int | None:
    """Return the resident memory of a process and of those it started, or None where it has just ended."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        pages = [int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in (pid, *children)]
    except (OSError, IndexError):
        return None
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def _print_table(report: dict[str, Any]) -> None:
    print(f"{'PART':<25}{'STATE':<10}{'PID':>8}{'MEMORY':>10}{'READY AFTER':>13}  URL")
    for name, part in report["parts"].items():
        memory = "" if part["memory_bytes"] is None else f"{part['memory_bytes'] / 2**20:.0f} MiB"
        ready = "" if part["ready_seconds"] is None else f"{part['ready_seconds']:.1f} s"
        print(
            f"{name:<25}{part['state']:<10}{part['pid'] or '':>8}{memory:>10}{ready:>13}  {part['url'] or ''}".rstrip()
        )
    print(f"logs: {report['directory']}/logs\n\nexport KUBECONFIG={report['kubeconfig']}")


if __name__ == "__main__":
    sys.exit(main())
