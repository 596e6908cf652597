"""The entry points: `pennant VERB` and `kubectl pennant VERB`."""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from pennant import __version__
from pennant.cli.errors import CliError
from pennant.cli.verbs import VERBS


class LazyGroup(click.Group):
    """A group that imports the module of a verb when that verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a verb; None where there is none."""
        entry = VERBS.get(cmd_name)
        if entry is None:
            return None
        command = importlib.import_module(f"pennant.cli.{entry.module}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in VERBS.items()])


def program_name(argv0: str) -> str:
    """Return how a user calls this program: `kubectl pennant` where kubectl started it as a plugin."""
    return "kubectl pennant" if Path(argv0).name.startswith("kubectl-pennant") else "pennant"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """Manage ModelDeployments and ModelVersions: history, status, undo and promotion, as `kubectl rollout` does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return its exit code. Errors go to standard error as `error: ...`, never as a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = cli.main(arguments, prog_name=program_name(sys.argv[0]), standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except CliError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader, such as `head`, has gone; nothing that is still in the buffer may be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code if isinstance(code, int) else 0
