"""`why`: what blocks a ModelDeployment, by the operator's own decision on the live objects, and what comes next."""

from collections.abc import Iterable, Iterator
from typing import Any

import click

from pennant.api.conditions import ConditionStatus, find
from pennant.api.meta import Json
from pennant.api.reasons import ConditionType
from pennant.cli import clock, names, output, spans, targets
from pennant.cli.children import children
from pennant.cli.forecast import Forecast, forecast
from pennant.cli.options import ClusterOptions, Selectors, cluster_options, output_option, target_options
from pennant.cli.session import Session, run
from pennant.core.facts.in_place import in_place
from pennant.core.facts.observation import Key
from pennant.core.rollout.progress import revision_to_look_at

NOT_WRITTEN = (
    "The operator does this within seconds. If it does not, it is not running, does not watch this namespace, or "
    "cannot write: see its log."
)


@click.command("why", short_help="Explain what blocks a rollout")
@target_options
@cluster_options
@output_option("json", "yaml")
def command(selectors: Selectors, cluster: ClusterOptions, output: str | None) -> None:
    """Explain what blocks a ModelDeployment, what the operator does next and when, and what you can do.

    The objects are read with your permissions, and the operator's own decision is computed from them. Nothing is
    written.
    """
    names.require_some(selectors, cluster)
    run(cluster, lambda session: _all(session, selectors, output))


async def _all(session: Session, selectors: Selectors, form: str | None) -> None:
    found = [await foreseen(session, key) for key in await targets.keys(session, selectors)]
    if form is None:
        click.echo("\n\n".join(explanation(each) for each in found))
        return
    items = [document(each) for each in found]
    click.echo(
        output.document(items[0] if len(items) == 1 else output.wrapped("ModelDeploymentForecastList", items), form)
    )


async def foreseen(session: Session, key: Key) -> Forecast:
    """Return what the operator would do with a ModelDeployment; raises `CliError` where it does not exist."""
    snapshot = await targets.snapshot(session, key)
    now = clock.now()
    entry = revision_to_look_at(snapshot, (), now)
    if entry is None:
        return forecast(snapshot, now)
    found = await children(session, snapshot)
    notes = tuple(f"The pods could not be looked at: {each}." for each in found.unread)
    return forecast(snapshot, now, found.looked_at(snapshot, entry.template_hash), notes)


def explanation(found: Forecast) -> str:
    """Return the forecast as text."""
    sections = [output.full_name(found.snapshot.key.name), "\n".join(_state(found))]
    sections += [_section("Blocked", _blocked(found)) if found.blockers else "Nothing is blocked."]
    sections += [_section("Next", [*_next(found), *([f"  {NOT_WRITTEN}"] if found.steps else [])])]
    if found.limits or found.decision.look_again_at is not None:
        sections.append(_section("Times", _times(found)))
    if found.notes:
        sections.append(_section("Notes", [f"  - {each}" for each in found.notes]))
    return "\n\n".join(sections)


def outcome(found: Forecast) -> list[str]:
    """Return what blocks and what comes next as lines, for `promote --dry-run`."""
    lines = _blocked(found)
    return [*(["Blocked:", *lines] if lines else ["Nothing is blocked."]), "Next:", *_next(found)]


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"{title}:", *lines])


def _state(found: Forecast) -> Iterator[str]:
    status, now = found.snapshot.status, in_place(found.snapshot.status.history)
    if (desired := found.decision.status.desired) is not None:
        how = f"tag {desired.tag}" if desired.tag is not None else "spec.version"
        yield f"Target:    {desired.version} ({how}, since {output.moment(desired.since)})"
    else:
        yield "Target:    none yet"
    if status.serving is not None:
        yield f"Serving:   {status.serving.version} (revision {status.serving.revision})"
    else:
        yield "Serving:   nothing yet"
    if now.candidate is not None:
        yield f"Rollout:   {now.candidate.version} (revision {now.candidate.revision}, {now.candidate.trigger})"
    stable = status.stable
    if stable is not None and now.current is not None and stable.revision != now.current.revision:
        yield f"Rollback:  goes to {stable.version} (revision {stable.revision})"
    if (last := status.last_command) is not None and last.withdrawn_at is None:
        yield f"Command:   `{last.command}` {str(last.result).lower()}: {last.message}"


def _blocked(found: Forecast) -> list[str]:
    lines = []
    serving = found.snapshot.status.serving
    for each in found.blockers:
        rules = f" ({', '.join(each.rules)})" if each.rules else ""
        lines += [f"  ✖ {each.what}: {each.reason}{rules}", f"      {each.message}"]
        if each.until is not None:
            lines.append(f"      Ends by itself: {spans.until(each.until, found.now)}")
        commands = each.commands(found.snapshot.key.name, serving.version if serving is not None else "")
        lines += [f"      {'Try' if number == 0 else 'Or '}: {one}" for number, one in enumerate(commands)]
    return lines


def _next(found: Forecast) -> list[str]:
    if found.steps:
        return [f"  {number}. {each}" for number, each in enumerate(found.steps, 1)]
    going_on = find(found.decision.status.conditions, ConditionType.RECONCILING)
    if going_on is not None and going_on.status is ConditionStatus.TRUE:
        return [f"  Nothing is written now. In progress: {going_on.reason}, {going_on.message}"]
    return ["  Nothing is written now."]


def _times(found: Forecast) -> Iterator[str]:
    for each in found.limits:
        yield f"  {spans.until(each.at, found.now)}: {each.what}"
    if (look := found.decision.look_again_at) is not None:
        yield f"  {spans.until(look, found.now)}: the operator looks again, if nothing changes before"


def document(found: Forecast) -> Json:
    """Return the forecast as data."""
    serving = found.snapshot.status.serving
    name, version = found.snapshot.key.name, serving.version if serving is not None else ""
    blockers: list[dict[str, Any]] = [
        {
            "blocks": each.what,
            "reason": each.reason.value,
            "rules": list(each.rules),
            "message": each.message,
            "until": output.moment(each.until) if each.until is not None else None,
            "commands": list(each.commands(name, version)),
        }
        for each in found.blockers
    ]
    look = found.decision.look_again_at
    metadata = {"name": name, "namespace": found.snapshot.key.namespace}
    return {
        **output.wrapped("ModelDeploymentForecast", [], **metadata),
        "blockers": blockers,
        "next": list(found.steps),
        "times": [{"at": output.moment(each.at), "what": each.what} for each in found.limits],
        "looksAgainAt": output.moment(look) if look is not None else None,
        "notes": list(found.notes),
    }
