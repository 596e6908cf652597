"""The program `pennant`: `run`, `sync`, `fetch`, `generate`, `version`, and the verbs of the command line.

Each command imports its modules when it runs, so that `version` and `--help` answer at once.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from pennant import __version__

USAGE = """usage: pennant COMMAND [OPTIONS]

commands:
  run       run the operator (`pennant run --help` lists its settings)
  sync      take the versions of registries over continuously (`pennant sync --help`)
  fetch     bring artefacts into a directory, and check their digests (`pennant fetch --help`)
  generate  write or check the CustomResourceDefinitions, and what else is generated
  version   print the version

Every other command is a verb of `kubectl pennant`, such as `pennant history NAME`; `pennant help` lists them.
"""

COMPLETION = "_PENNANT_COMPLETE"
"""The variable by which a shell asks for completion."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if COMPLETION in os.environ:
        # The shell's words are in the environment; see click's documentation of shell completion.
        return _verb([])
    if not words:
        print(USAGE, end="", file=sys.stderr)
        return 2
    if words[0] in ("--help", "-h"):
        print(USAGE, end="")
        return 0
    if words[0] == "help":
        return _verb([*words[1:], "--help"])
    command = COMMANDS.get(words[0])
    return _verb(words) if command is None else command(words[1:])


def _generate(options: list[str]) -> int:
    from pennant import generate

    return generate.main(options)


def _fetch(options: list[str]) -> int:
    from pennant.fetching import command

    return command.main(options)


def _version(options: list[str]) -> int:
    print(__version__)
    return 0


def _verb(words: list[str]) -> int:
    try:
        from pennant.cli import main as cli
    except ModuleNotFoundError as error:
        print(
            f"error: {error.name} is missing; install the command line with: pip install 'pennant[cli]'",
            file=sys.stderr,
        )
        return 2
    return cli.main(words)


def _run(options: list[str]) -> int:
    from pennant.metrics.config import SourcesError
    from pennant.runtime import app, settings

    try:
        return app.run(settings.given(options))
    except (settings.WrongSettings, SourcesError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _sync(options: list[str]) -> int:
    from pennant.runtime.settings import WrongSettings, read
    from pennant.sync import app
    from pennant.sync.config import ConfigError
    from pennant.sync.settings import SyncSettings

    try:
        return app.run(read(SyncSettings, options))
    except (WrongSettings, ConfigError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


COMMANDS: Mapping[str, Callable[[list[str]], int]] = {
    "run": _run,
    "sync": _sync,
    "fetch": _fetch,
    "generate": _generate,
    "version": _version,
}

if __name__ == "__main__":
    sys.exit(main())
