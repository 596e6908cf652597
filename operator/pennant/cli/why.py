"""`why`: what blocks a ModelDeployment, by the operator's own decision on the live objects, and what comes next."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import click

from pennant.api.conditions import ConditionStatus, find
from pennant.api.meta import Json
from pennant.api.reasons import ConditionType
from pennant.cli import clock, metric_lines, names, output, spans, targets
from pennant.cli.children import children
from pennant.cli.forecast import NOT_WRITTEN, Forecast, forecast
from pennant.cli.options import ClusterOptions, Selectors
from pennant.cli.rules import place
from pennant.cli.session import Session, run
from pennant.core.facts.in_place import in_place
from pennant.core.facts.observation import Key
from pennant.core.rollout.progress import revision_to_look_at


def execute(selectors: Selectors, cluster: ClusterOptions, output: str | None) -> None:
    """Carry out the verb; its options are in `pennant.cli.commands.why`."""
    names.require_some(selectors, cluster)
    run(cluster, lambda session: _all(session, selectors, output))


async def _all(session: Session, selectors: Selectors, form: str | None) -> None:
    keys = await targets.keys(session, selectors)
    found = await targets.each(session, keys, partial(foreseen, session))
    if found.done and form is None:
        whole = "\n\n".join(explanation(each) for each in found.done)
        click.echo(output.folded(whole, output.terminal_width()))
    elif found.done and form == "name":
        click.echo("\n".join(output.full_name(each.snapshot.key.name) for each in found.done))
    elif found.done:
        click.echo(output.documents([document(each) for each in found.done], str(form)))
    found.end()


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
    if metrics := metric_lines.sentences(found.snapshot, found.now):
        sections.append(_section("Metrics", [f"  {each}" for each in metrics]))
    if rules := _rules(found):
        sections.append(_section("Rules", rules))
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
    for each in found.blockers:
        rules = f" ({', '.join(each.rules)})" if each.rules else ""
        lines += [f"  ✖ {each.what}: {each.reason}{rules}", f"      {each.message}"]
        if each.until is not None:
            lines.append(f"      Ends by itself: {spans.until(each.until, found.now)}")
        commands = each.commands(found.snapshot)
        lines += [
            f"      {'Try' if number == 0 else 'Or '}: {command}      # {does}"
            for number, (command, does) in enumerate(commands)
        ]
    return lines


def _rules(found: Forecast) -> list[str]:
    """Return where the rules are that explain the blockers, a line for each section."""
    named = dict.fromkeys(rule for each in found.blockers for rule in each.rules)
    places: dict[str, list[str]] = {}
    for rule in named:
        places.setdefault(place(rule), []).append(rule)
    return [f"  {', '.join(rules)}: {where}" for where, rules in places.items()]


def _next(found: Forecast) -> list[str]:
    if found.steps:
        return [f"  {number}. {each}" for number, each in enumerate(found.steps, 1)]
    return [f"  {idle(found)}"]


def idle(found: Forecast) -> str:
    """Return until when the operator has nothing to do, where it would write nothing now."""
    going_on = find(found.decision.status.conditions, ConditionType.RECONCILING)
    if going_on is not None and going_on.status is ConditionStatus.TRUE:
        if any(each.reason == going_on.reason for each in found.blockers):
            return f"The operator waits ({going_on.reason}): see Blocked."
        return f"The operator waits: {going_on.message.removesuffix('.')} ({going_on.reason})."
    nothing = "The operator has nothing to do until"
    if found.blockers:
        ends = [(each.until, "a limit ends") for each in found.blockers if each.until is not None]
        ends += [(each.at, each.what) for each in found.limits if not each.is_check]
        if ends:
            at, what = min(ends, key=lambda each: each[0])
            return f"{nothing} {spans.until(at, found.now)}, when {what}, or until you act: see Blocked."
        return f"{nothing} you act: see Blocked."
    if found.limits:
        first = min(found.limits, key=lambda each: (each.is_check, each.at))
        return f"{nothing} {spans.until(first.at, found.now)}: {first.what}."
    return f"{nothing} the target version or the spec changes, or a metric is beyond its threshold."


def _times(found: Forecast) -> Iterator[str]:
    for each in found.limits:
        yield f"  {spans.until(each.at, found.now)}: {each.what}"
    if (look := found.decision.look_again_at) is not None:
        yield f"  {spans.until(look, found.now)}: the operator looks again, if nothing changes before"


def document(found: Forecast) -> Json:
    """Return the forecast as data."""
    name = found.snapshot.key.name
    blockers: list[dict[str, Any]] = [
        {
            "blocks": each.what,
            "reason": each.reason.value,
            "rules": [{"id": rule, "documentedIn": place(rule)} for rule in each.rules],
            "message": each.message,
            "until": output.moment(each.until) if each.until is not None else None,
            "commands": [command for command, _ in each.commands(found.snapshot)],
        }
        for each in found.blockers
    ]
    look = found.decision.look_again_at
    metadata = {"name": name, "namespace": found.snapshot.key.namespace}
    return {
        **output.head("ModelDeploymentForecast", **metadata),
        "blockers": blockers,
        "next": list(found.steps),
        "idle": "" if found.steps else idle(found),
        "metrics": [each.to_json() for each in found.snapshot.status.analysis],
        "times": [{"at": output.moment(each.at), "what": each.what} for each in found.limits],
        "looksAgainAt": output.moment(look) if look is not None else None,
        "notes": list(found.notes),
    }
