"""The command line: `python -m pennant run|generate|version`.

Each command imports its modules when it runs, so that `version` and `--help` answer at once.
"""

import sys
from collections.abc import Sequence

from pennant import __version__

USAGE = """usage: pennant COMMAND [OPTIONS]

commands:
  run       run the operator (`pennant run --help` lists its settings)
  generate  write or check the CustomResourceDefinitions and the generated pages of docs/
  version   print the version

Every other command is a verb of `kubectl pennant`, such as `pennant history NAME`; `pennant help` lists them.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    match list(sys.argv[1:] if argv is None else argv):
        case ["run", *options]:
            return _run(options)
        case ["generate", *options]:
            from pennant.runtime import generate

            return generate.main(options)
        case ["version"]:
            print(__version__)
            return 0
        case ["--help" | "-h"]:
            print(USAGE, end="")
            return 0
        case ["help", *words]:
            return _verb([*words, "--help"])
        case []:
            print(USAGE, end="", file=sys.stderr)
            return 2
        case words:
            return _verb(words)


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


if __name__ == "__main__":
    sys.exit(main())
