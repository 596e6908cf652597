"""Pages as HTML: the templates, and the tag by which a page that did not change is known."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pennant.cli.dashboard.view import DeploymentView, Row

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is sent."""

    status: int
    html: str
    tag: str
    """Changes with the content of the page, and with nothing else."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the dashboard is about, for its header."""

    namespace: str
    """Empty: all namespaces."""
    context: str
    """The name of the kubeconfig context, or the address of the API server."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Why a page is not up to date."""

    error: str
    read_at: datetime


def listing(rows: Sequence[Row], scope: Scope, stale: Stale | None = None) -> Page:
    """Return the list of ModelDeployments."""
    return _page(200, "ModelDeployments", "", scope, "list.html", rows=rows, stale=stale)


def details(view: DeploymentView, scope: Scope, stale: Stale | None = None) -> Page:
    """Return the page of one ModelDeployment."""
    serves = f"{view.now.version} serves" if view.now is not None else "nothing serves"
    summary = f"{view.name}: {view.state.word}, {serves}"
    return _page(200, f"{view.name}: {view.state.word}", summary, scope, "deployment.html", view=view, stale=stale)


def problem(status: int, heading: str, message: str, scope: Scope, *, tries_again: bool) -> Page:
    """Return a page that says why there is nothing to show, and what to do."""
    values: dict[str, Any] = {"heading": heading, "message": message, "tries_again": tries_again}
    return _page(status, heading, heading, scope, "problem.html", **values)


def _page(status: int, title: str, summary: str, scope: Scope, template: str, **values: Any) -> Page:
    main = environment().get_template(template).render(scope=scope, **values)
    tag = hashlib.sha256(f"{title}\0{main}".encode()).hexdigest()[:16]
    shell = environment().get_template("shell.html")
    html = shell.render(title=title, summary=summary, scope=scope, main=Markup(main), tag=tag)
    return Page(status, html, f'"{tag}"')


@cache
def environment() -> Environment:
    """Return the templates; all that they print is escaped."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"day": _day, "iso": _iso}
    return made


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC"


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
