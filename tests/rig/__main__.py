"""`python -m rig build|up|down|status`: a local control plane on 127.0.0.1."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rig import binaries, build, download
from rig.cluster import DEFAULT_PARTS, OPTIONAL_PARTS, Rig
from rig.processes import StartError


def main() -> int:
    """Run one command; return its exit code."""
    arguments = _parser().parse_args()
    try:
        code: int = arguments.run(arguments)
    except (build.BuildError, download.DownloadError, StartError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rig", description=__doc__)
    commands = parser.add_subparsers(required=True)
    building = commands.add_parser("build", help="build what is missing of the programs")
    building.add_argument("--download", action="store_true", help="take official release binaries instead of building")
    building.set_defaults(run=_build)
    for name, run, text in (
        ("up", _up, "start a control plane in the background"),
        ("down", _down, "stop it"),
        ("status", _status, "say what runs"),
        ("supervise", _supervise, "hold a control plane until SIGTERM"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "directory", nargs="?", type=Path, default=_default_directory(), help="where it keeps its data"
        )
        command.set_defaults(run=run)
        if name == "status":
            command.add_argument("-o", "--output", choices=["table", "json"], default="table")
        if name in ("up", "supervise"):
            command.add_argument("--with", dest="extra", action="append", default=[], choices=OPTIONAL_PARTS)
    return parser


def _default_directory() -> Path:
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "pennant" / "rig"


def _build(arguments: argparse.Namespace) -> int:
    names = [each.name for each in build.PROGRAMS]
    if arguments.download:
        download.download(binaries.missing(names), binaries.cache_directory() / "bin")
    else:
        binaries.ensure(names)
    print(f"the programs are in {binaries.cache_directory() / 'bin'}")
    return 0


def _up(arguments: argparse.Namespace) -> int:
    if _supervisor(arguments.directory) is not None:
        print(f"a control plane runs in {arguments.directory} already")
        return _status(argparse.Namespace(directory=arguments.directory, output="table"))
    binaries.ensure(sorted({*(set(DEFAULT_PARTS) - {"node"}), *arguments.extra, "kubectl"}))
    arguments.directory.mkdir(parents=True, exist_ok=True)
    (arguments.directory / "rig.json").unlink(missing_ok=True)
    extra = [word for name in arguments.extra for word in ("--with", name)]
    command = [sys.executable, "-m", "rig", "supervise", str(arguments.directory), *extra]
    with (arguments.directory / "supervisor.log").open("w") as log:
        supervisor = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    while not (arguments.directory / "rig.json").exists():
        if supervisor.poll() is not None:
            print((arguments.directory / "supervisor.log").read_text(), file=sys.stderr)
            return 1
        time.sleep(0.1)
    return _status(argparse.Namespace(directory=arguments.directory, output="table"))


def _supervise(arguments: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    pid_file = arguments.directory / "supervisor.pid"
    pid_file.write_text(json.dumps({"pid": os.getpid(), "started": _start_time(os.getpid())}))
    try:
        with Rig.start(arguments.directory, (*DEFAULT_PARTS, *arguments.extra)):
            while True:
                signal.pause()
    finally:
        pid_file.unlink(missing_ok=True)


def _down(arguments: argparse.Namespace) -> int:
    pid = _supervisor(arguments.directory)
    if pid is None:
        print(f"no control plane runs in {arguments.directory}")
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while _supervisor(arguments.directory) is not None:
        if time.monotonic() > deadline:
            # Its children end with it.
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.1)
    print("stopped")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    path = arguments.directory / "rig.json"
    running = _supervisor(arguments.directory) is not None and path.exists()
    state: dict[str, Any] = json.loads(path.read_text()) if running else {}
    if arguments.output == "json":
        print(json.dumps({"running": running, **state}))
    elif running:
        for name, pid in state["pids"].items():
            print(f"{name:<26}{pid:<10}{state['urls'].get(name, '')}")
        print(f"export KUBECONFIG={state['kubeconfig']}")
    else:
        print(f"no control plane runs in {arguments.directory}")
    return 0 if running else 1


def _supervisor(directory: Path) -> int | None:
    """Return the process id of the supervisor of this directory, if that very process still runs."""
    try:
        held = json.loads((directory / "supervisor.pid").read_text())
        return int(held["pid"]) if _start_time(held["pid"]) == held["started"] else None
    except (OSError, ValueError):
        return None


def _start_time(pid: int) -> str:
    """Return when a process was started, in ticks since boot; process ids are used again."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


if __name__ == "__main__":
    sys.exit(main())
