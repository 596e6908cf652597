"""`get`: a ModelDeployment as a tree, once or again and again, or a table of all."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import click
from rich.console import Console
from rich.live import Live as Redrawn
from rich.text import Text

from pennant.api.meta import Json
from pennant.cli import clock, names, output, targets
from pennant.cli.children import children
from pennant.cli.deployment_table import table
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions
from pennant.cli.session import Session, run
from pennant.cli.tree import Live, tree
from pennant.core.facts.observation import Key
from pennant.kube.http.resources import Kind

POLL_SECONDS = 1.0
STYLES = {"✔ [A-Za-z]+": "green", "✖ [A-Za-z]+": "red", "[◌॥?] [A-Z][A-Za-z]+": "yellow", "# revision:[0-9]+": "bold"}


def execute(
    words: tuple[str, ...],
    cluster: ClusterOptions,
    selector: str | None,
    all_namespaces: bool,
    watch: bool,
    no_color: bool,
    output: str | None,
) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.get`."""
    named = names.parsed(words)
    if named and (selector is not None or all_namespaces):
        raise CliError("give names, or -l or -A, not both")
    if watch and (output is not None or len(named) > 1):
        raise CliError("--watch shows one tree; leave out -o, and name one ModelDeployment at most")
    console = Console(no_color=no_color or None, highlight=False, soft_wrap=True)
    if named and output in ("json", "yaml", "name"):
        run(cluster, lambda session: _objects(session, named, output))
    elif not named:
        listing = _listed(selector, all_namespaces, output)
        run(cluster, lambda session: _watched_table(session, listing) if watch else _told(session, listing))
    elif watch:
        run(cluster, lambda session: _watched(session, Key(session.namespace, named[0]), console))
    else:
        run(cluster, lambda session: _shown(session, named, console))


def coloured(text: str) -> Text:
    """Return a page with the colours of its signs."""
    found = Text(text)
    for pattern, style in STYLES.items():
        found.highlight_regex(pattern, style)
    return found


def width(console: Console) -> int | None:
    """Return the columns of a terminal; None: it is none, so no line is wrapped."""
    return console.width if console.is_terminal else None


async def _shown(session: Session, named: Sequence[str], console: Console) -> None:
    keys = [Key(session.namespace, name) for name in named]
    found = await targets.each(session, keys, partial(read, session))
    for number, live in enumerate(found.done):
        console.print(coloured(f"{chr(10) if number else ''}{tree(live, clock.now(), width(console))}"), soft_wrap=True)
    found.end()


async def _watched(session: Session, key: Key, console: Console) -> None:
    """Show the tree each second in place; on something that is no terminal, append it where something changed."""
    live = await read(session, key)
    if not console.is_terminal:
        await _appended(session, key, live, console)
        return
    with Redrawn(console=console, auto_refresh=False) as shown:
        while True:
            page = coloured(tree(live, clock.now(), console.width))
            # A line that is wider than the terminal is cut, or what is redrawn would not be in its place.
            page.no_wrap, page.overflow = True, "ellipsis"
            shown.update(page, refresh=True)
            await asyncio.sleep(POLL_SECONDS)
            live = await _again(session, key)


async def _appended(session: Session, key: Key, live: Live, console: Console) -> None:
    console.print(coloured(tree(live, clock.now())), soft_wrap=True)
    while True:
        await asyncio.sleep(POLL_SECONDS)
        now = await _again(session, key)
        if now != live:
            live = now
            console.print(coloured(f"\n{tree(live, clock.now())}"), soft_wrap=True)


async def _again(session: Session, key: Key) -> Live:
    live = await _read(session, key)
    if live is None:
        raise CliError("object has been deleted")
    return live


async def read(session: Session, key: Key) -> Live:
    """Return a ModelDeployment with all that belongs to it; raises `CliError` with the nearest names."""
    live = await _read(session, key)
    if live is None:
        raise await targets.missing(session, key)
    return live


async def _read(session: Session, key: Key) -> Live | None:
    raw, snapshot = await asyncio.gather(
        session.client.get(Kind.MODEL_DEPLOYMENT, key.namespace, key.name), session.inspector.snapshot(key)
    )
    if raw is None or snapshot is None:
        return None
    return Live(snapshot, str(raw["metadata"].get("creationTimestamp", "")), await children(session, snapshot))


Listing = Callable[[Session], Coroutine[Any, Any, tuple[list[Json], str]]]
"""Reads ModelDeployments, and returns them with the text that shows them."""


def _listed(selector: str | None, all_namespaces: bool, form: str | None) -> Listing:
    async def listing(session: Session) -> tuple[list[Json], str]:
        found = await _all(session, "" if all_namespaces else session.namespace, selector)
        return found, _text(found, session.namespace, form, all_namespaces=all_namespaces)

    return listing


def _text(found: list[Json], namespace: str, form: str | None, *, all_namespaces: bool) -> str:
    if form in ("json", "yaml"):
        return output.document(output.listed(found), form)
    if form == "name":
        return "\n".join(output.full_name(each["metadata"]["name"]) for each in found)
    if not found:
        return f"No resources found{'' if all_namespaces else f' in {namespace} namespace'}."
    return table(
        found, clock.now(), is_wide=form == "wide", with_namespace=all_namespaces, width=output.terminal_width()
    )


async def _all(session: Session, namespace: str, selector: str | None) -> list[Json]:
    selectors = {"labelSelector": selector} if selector else {}
    found = await session.client.all_of(Kind.MODEL_DEPLOYMENT, namespace, **selectors)
    return sorted(found, key=lambda each: (each["metadata"]["namespace"], each["metadata"]["name"]))


async def _objects(session: Session, named: Sequence[str], form: str) -> None:
    """Print the objects themselves, or their names."""
    keys = [Key(session.namespace, name) for name in named]
    found = await targets.each(session, keys, partial(targets.raw, session))
    for each in found.done if form == "name" else ():
        click.echo(output.full_name(each["metadata"]["name"]))
    if form != "name" and found.done:
        click.echo(output.documents(found.done, form))
    found.end()


async def _told(session: Session, listing: Listing) -> None:
    _, text = await listing(session)
    if text:
        click.echo(text)


async def _watched_table(session: Session, listing: Listing) -> None:
    """Print the table, and again where an object of it changed."""
    known, text = await listing(session)
    click.echo(text)
    while True:
        await asyncio.sleep(POLL_SECONDS)
        found, text = await listing(session)
        if found != known:
            click.echo(f"\n{text}")
            known = found
