"""`pause` and `resume`: write `spec.paused`."""

from pennant.cli import names, output, targets
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions, Selectors
from pennant.cli.session import Session, run
from pennant.core.facts.observation import Key
from pennant.kube.codec.managers import tracked_by
from pennant.kube.http.resources import Kind


def execute(selectors: Selectors, cluster: ClusterOptions, paused: bool, dry_run: str, output: str | None) -> None:
    """Set `spec.paused` of each ModelDeployment; it is an error where it is set already."""
    names.require_some(selectors, cluster)
    run(cluster, lambda session: _all(session, selectors, paused, dry_run, output))


async def _all(session: Session, selectors: Selectors, paused: bool, dry_run: str, form: str | None) -> None:
    keys = await targets.keys(session, selectors)
    (await targets.each(session, keys, lambda key: _one(session, key, paused, dry_run, form))).end()


async def _one(session: Session, key: Key, paused: bool, dry_run: str, form: str | None) -> None:
    raw = await targets.raw(session, key)
    done = "paused" if paused else "resumed"
    if bool((raw.get("spec") or {}).get("paused")) is paused:
        state = "already paused" if paused else "not paused"
        raise CliError(f'modeldeployments.pennant.dev "{key.name}" is {state}')
    if tool := tracked_by(raw):
        output.warn(
            f"{key.name} is managed by {tool}. It sets spec.paused back to what Git says at its next sync. "
            f"Set spec.paused: {str(paused).lower()} in Git, or stop its automatic sync"
        )
    suffix = "" if dry_run == "none" else f" ({dry_run} dry run)"
    metadata = {name: raw["metadata"][name] for name in ("uid", "resourceVersion")}
    body = {"metadata": metadata, "spec": {"paused": paused}}
    if dry_run == "client":
        changed = output.merged(raw, body)
    else:
        changed = await session.patch(Kind.MODEL_DEPLOYMENT, key, body, dry_run=dry_run)
    output.tell(f"{output.full_name(key.name)} {done}{suffix}", changed, form)
