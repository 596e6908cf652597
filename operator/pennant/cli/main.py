"""The entry points: `pennant VERB` and `kubectl pennant VERB`."""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from pennant import __version__
from pennant.cli.errors import CliError
from pennant.cli.options import cluster_flags
from pennant.cli.verbs import VERBS


class LazyGroup(click.Group):
    """A group that imports the module of a verb when that verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a verb; None where there is none."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"pennant.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command of the first word and the words for it, as kubectl reads them."""
        if args[0] not in VERBS and not args[0].startswith("-"):
            from pennant.cli.suggestions import unknown

            ctx.fail(unknown(args[0], ctx.command_path))
        name, command, rest = super().resolve_command(ctx, args)
        return name, command, rest if command is None else with_values(command, rest)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def with_values(command: click.Command, words: Sequence[str]) -> list[str]:
    """Return the words with `--dry-run` as `--dry-run=client`, and `-w=false` as `--watch=false`.

    In kubectl an option whose value may be left out has its value after `=`, and never in the next word.
    """
    optional = {
        name: (option.opts[-1], option.flag_value)
        for option in command.params
        if isinstance(option, click.Option) and not option.is_flag and isinstance(option.flag_value, str)
        for name in option.opts
    }
    end = words.index("--") if "--" in words else len(words)
    found = []
    for word in words[:end]:
        name, sign, value = word.partition("=")
        long, flag_value = optional.get(name, (name, ""))
        found.append(f"{long}={value if sign else flag_value}" if name in optional else word)
    return [*found, *words[end:]]


def program_name(argv0: str) -> str:
    """Return how a user calls this program: `kubectl pennant` where kubectl started it as a plugin."""
    return "kubectl pennant" if Path(argv0).name.startswith("kubectl-pennant") else "pennant"


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="`help VERB`, or VERB --help, shows the options of a verb.",
)
@cluster_flags
@click.version_option(__version__, message="%(version)s")
def cli(**_: str | None) -> None:
    """Manage ModelDeployments and ModelVersions: history, status, undo and promotion, as `kubectl rollout` does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return its exit code. Errors go to standard error as `error: ...`, never as a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:2], "--help"]
    try:
        code = cli.main(arguments, prog_name=program_name(sys.argv[0]), standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
    except click.ClickException as error:
        click.echo(f"error: {error.format_message().rstrip('.')}", err=True)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"See '{error.ctx.command_path} --help' for usage.", err=True)
        return 1
    except CliError as error:
        if str(error):
            click.echo(f"error: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader, such as `head`, has gone; nothing that is still in the buffer may be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    else:
        return code if isinstance(code, int) else 0
    return 0
