"""Options that several verbs share, with the names and the meaning that they have in kubectl."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

from pennant.cli.completion import complete_contexts, complete_deployments, complete_namespaces

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """Which cluster and namespace a verb works on."""

    kubeconfig: str | None
    context: str | None
    namespace: str | None
    """None: that of the kubeconfig's context, or `default`."""


def cluster_flags(function: FunctionT) -> FunctionT:
    """Give a command `--kubeconfig`, `--context` and `-n`, as it is done before and after a verb."""
    for each in (
        click.option("-n", "--namespace", shell_complete=complete_namespaces, help="The namespace of the object."),
        click.option("--context", shell_complete=complete_contexts, help="The name of the kubeconfig context to use."),
        click.option("--kubeconfig", help="Path to the kubeconfig file to use."),
    ):
        function = each(function)
    return function


def cluster_options(function: FunctionT) -> FunctionT:
    """Give a verb the cluster flags, as one argument `cluster`; they have precedence over those before the verb."""

    @cluster_flags
    @wraps(function)
    def wrapped(*args: Any, kubeconfig: str | None, context: str | None, namespace: str | None, **rest: Any) -> Any:
        flags = {"kubeconfig": kubeconfig, "context": context, "namespace": namespace}
        before = click.get_current_context().find_root().params
        cluster = ClusterOptions(**{name: before.get(name) if each is None else each for name, each in flags.items()})
        return function(*args, cluster=cluster, **rest)

    return wrapped  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Selectors:
    """Which ModelDeployments a verb works on, as the user named them."""

    names: tuple[str, ...]
    """As typed: `fraud`, `mdep/fraud`, or `modeldeployment fraud` in two words."""
    selector: str | None
    filenames: tuple[str, ...]
    all_namespaces: bool = False
    """Those of all namespaces, and with `selector`, those of them that match."""


def target_options(function: FunctionT) -> FunctionT:
    """Give a verb `[NAME ...]`, `-l` and `-f`, as one argument `selectors`."""

    @click.argument("names", nargs=-1, metavar="NAME", shell_complete=complete_deployments)
    @click.option("-l", "--selector", help="Selector (label query) to filter on.")
    @click.option(
        "-f", "--filename", "filenames", multiple=True, help="File that names the ModelDeployment; - is stdin."
    )
    @wraps(function)
    def wrapped(
        *args: Any,
        names: tuple[str, ...],
        selector: str | None,
        filenames: tuple[str, ...],
        all_namespaces: bool = False,
        **rest: Any,
    ) -> Any:
        return function(*args, selectors=Selectors(names, selector, filenames, all_namespaces), **rest)

    return wrapped  # type: ignore[return-value]


def reading_target_options(function: FunctionT) -> FunctionT:
    """Give a verb that only reads the same options, and `-A`."""
    option = click.option("-A", "--all-namespaces", is_flag=True, help="Select the ModelDeployments of all namespaces.")
    return option(target_options(function))


class OutputFormat(click.Choice[str]):
    """One of the formats of a verb. Formats of kubectl that extract fields are refused with the command for them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the format; fails where the verb does not have it."""
        if re.match("jsonpath|go-template|custom-columns", str(value)):
            kind = (
                "mver"
                if ctx is not None and ctx.info_name in ("versions", "promote", "compare", "register", "import")
                else "mdep"
            )
            raise click.BadParameter(f"{value} is a format of kubectl; use `kubectl get {kind} -o {value}`", ctx, param)
        return str(super().convert(value, param, ctx))


def output_option(*formats: str, otherwise: str = "text") -> Callable[[FunctionT], FunctionT]:
    """Give a verb `-o` with these formats; None is the text for people, or what `otherwise` says."""
    return click.option("-o", "--output", type=OutputFormat(formats), help=f"Output format; {otherwise} if not given.")


def object_output_option(function: FunctionT) -> FunctionT:
    """Give a verb that writes `-o json|yaml|name`: what it wrote instead of a line."""
    return output_option("json", "yaml", "name")(function)


def dry_run_option(function: FunctionT) -> FunctionT:
    """Give a verb `--dry-run=none|client|server`, as in kubectl."""
    return click.option(
        "--dry-run",
        type=click.Choice(("none", "client", "server")),
        default="none",
        is_flag=False,
        flag_value="client",
        help="client: print what would be sent; server: send it without persisting it.",
    )(function)


def timeout_option(default: str, help_text: str) -> Callable[[FunctionT], FunctionT]:
    """Give a verb `--timeout` with a duration such as `30s`, `5m` or `0` for no limit, in seconds as `timeout`."""
    return click.option("--timeout", type=Duration(), default=default, show_default=True, help=help_text)


def answer_option(function: FunctionT) -> FunctionT:
    """Give a verb that commands the operator `--timeout`."""
    return timeout_option("30s", "How long to wait for the operator's answer.")(function)


UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Duration(click.ParamType[float]):
    """A duration as Go writes it: `90s`, `1m30s`, `2h`; a plain number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; fails with the value and an example where it is no duration."""
        if isinstance(value, int | float):
            return float(value)
        text = str(value)
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text)
        if re.fullmatch(r"(\d+(\.\d+)?(ms|h|m|s))+", text):
            return sum(float(number) * UNITS[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)(ms|h|m|s)", text))
        raise click.BadParameter(f"{text!r} is no duration; write it as 30s, 5m or 1h30m", ctx, param)
