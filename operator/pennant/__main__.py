"""The commands of the package: `python -m pennant run|generate|version`."""

import sys
from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_settings import CliApp, SettingsError

from pennant import __version__
from pennant.metrics.sources import SourcesError
from pennant.runtime import app, generate
from pennant.runtime.settings import Settings

USAGE = """usage: pennant COMMAND [OPTIONS]

commands:
  run       run the operator (`pennant run --help` lists its settings)
  generate  write or check the CustomResourceDefinitions and the generated pages of docs/
  version   print the version
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    match list(sys.argv[1:] if argv is None else argv):
        case ["run", *options]:
            return _run(options)
        case ["generate", *options]:
            return generate.main(options)
        case ["version"]:
            print(__version__)
            return 0
        case ["--help" | "-h"]:
            print(USAGE, end="")
            return 0
        case _:
            print(USAGE, end="", file=sys.stderr)
            return 2


def _run(options: list[str]) -> int:
    try:
        settings = CliApp.run(Settings, cli_args=options)
    except (ValidationError, SettingsError) as error:
        print(f"error: {_problem(error)}", file=sys.stderr)
        return 2
    try:
        return app.run(settings)
    except SourcesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _problem(error: ValidationError | SettingsError) -> str:
    if isinstance(error, SettingsError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(str(each) for each in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


if __name__ == "__main__":
    sys.exit(main())
