"""`audit --archive`: the cluster and an archive read as one."""

from dataclasses import dataclass
from datetime import datetime

import click

from pennant.archive.writer import DEPLOYMENTS
from pennant.cli import clock, names, targets
from pennant.cli.auditing import archived, chain, joint, lives
from pennant.cli.auditing.answers import told, verified
from pennant.cli.auditing.joint import GONE, UNASKED, Cluster
from pennant.cli.auditing.question import Question
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions
from pennant.cli.output import terminal_width
from pennant.cli.session import Session, run
from pennant.core.facts.observation import Key, Snapshot
from pennant.core.rollout.history import adopted
from pennant.core.rollout.integrity import examined
from pennant.kube.http.connection import context_namespace
from pennant.kube.http.resources import Kind
from pennant.ports import Unavailable


@dataclass(frozen=True, slots=True)
class Source:
    """Where to read."""

    archive: str | None
    """A file, a directory or a URL; None: only the cluster."""
    offline: bool
    """Whether the cluster is not asked."""


def execute(cluster: ClusterOptions, name: str, asked: Question, source: Source, form: str | None) -> int:
    """Answer from the archive, and from the cluster unless `--offline`; return the exit code."""
    now = clock.now()
    key, snapshot = _live(cluster, name, source.offline)
    found = archived.deployment(source.archive or "", key, now)
    old = archived.revisions(found)
    if snapshot is None and not old and not found.problems:
        here = "" if source.offline else f", and namespace {key.namespace} has no ModelDeployment {name}"
        others = archived.others(source.archive or "", DEPLOYMENTS, now)
        raise CliError(f"{source.archive} has no revision of {key}{here}{others}")
    there = _recorded(snapshot, now, source.offline)
    if asked.verify:
        result = joint.checked(there, found)
        click.echo(verified(key, result, form, terminal_width()))
        return 0 if result.intact else 1
    for each in found.problems:
        click.echo(f"Warning: {each}; see `audit {name} --archive {source.archive} --verify`", err=True)
    click.echo(told(key, lives.joined(there.history, old), asked, form, terminal_width()))
    return 0


def namespace_of(cluster: ClusterOptions) -> str:
    """Return the namespace of objects where the cluster is not asked: that of the option, or of the context."""
    try:
        found = cluster.namespace or context_namespace(cluster.kubeconfig, cluster.context)
    except Unavailable as error:
        raise CliError(f"{error}; name the namespace with -n") from error
    return names.valid(found, "namespace")


def _live(cluster: ClusterOptions, name: str, offline: bool) -> tuple[Key, Snapshot | None]:
    """Return the ModelDeployment of the cluster; None where it does not exist any more, or is not asked for."""
    if offline:
        return Key(namespace_of(cluster), name), None

    async def read(session: Session) -> tuple[Key, Snapshot | None]:
        key = Key(session.namespace, name)
        raw = await session.client.get(Kind.MODEL_DEPLOYMENT, key.namespace, key.name)
        return key, None if raw is None else await targets.snapshot(session, key)

    return run(cluster, read)


def _recorded(snapshot: Snapshot | None, now: datetime, offline: bool) -> Cluster:
    if snapshot is None:
        return UNASKED if offline else GONE
    status = snapshot.status
    history = adopted(status.history, examined(snapshot).revisions, status.quarantine, now)
    return Cluster(chain.checked(snapshot, now), history, status.archived)
