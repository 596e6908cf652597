"""The annotations and labels that Pennant reads or writes, and the text of `docs/reference/annotations.md`."""

from dataclasses import dataclass

from pennant.api import GROUP

HEAD = """\
<!-- Generated from operator/pennant/api/annotations.py by `python -m pennant generate --write`. Do not edit. -->
# Annotations and labels

`pennant.dev/` is the prefix of all that are Pennant's own. An unknown annotation with this prefix has no effect and no
message. What a command does is in [how to roll back](../how-to/roll-back.md) and the pages beside it.
"""


ABOUT_USERS = """\
[How to govern promotions](../how-to/govern-promotions.md) says how they are switched on. The API server refuses a
request that would store another value, so leave them out of your manifests.
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """An annotation or a label."""

    name: str
    kind: str
    """`annotation` or `label`."""
    on: str
    """The objects that have it."""
    written_by: str
    means: str
    example: str


COMMANDS = (
    Mark(
        f"{GROUP}/rollback-to",
        "annotation",
        "ModelDeployment",
        "you, or `kubectl pennant undo`",
        "Command: go back to an earlier revision. The value is a version, the number of a revision, or empty for the "
        "last verified revision. Where versions are numbers, too, `version:3` and `revision:3` say which is meant. The "
        "target version is quarantined as `Undone` until its tag moves.",
        "1.0.0",
    ),
    Mark(
        f"{GROUP}/retry",
        "annotation",
        "ModelDeployment",
        "you, or `kubectl pennant retry`",
        "Command: end the quarantine of a version. It is rolled out again if it is the target version. The value is "
        "the version, or empty for the target version.",
        "1.1.0",
    ),
    Mark(
        f"{GROUP}/restart",
        "annotation",
        "ModelDeployment",
        "you, or `kubectl pennant restart`",
        "Command: restart all pods by a rolling update. The value is not used.",
        "",
    ),
    Mark(
        f"{GROUP}/requested-at",
        "annotation",
        "ModelDeployment",
        "you, or a verb of `kubectl pennant`",
        "Token of the command: a command is carried out once for each token. Any text; a time is usual. A token of "
        "more than 128 characters is replaced by its hash.",
        "2026-11-03T15:00:00Z",
    ),
    Mark(
        f"{GROUP}/requested-by",
        "annotation",
        "ModelDeployment",
        "you, or a verb of `kubectl pennant`",
        "Who gives the command; copied into the history as the actor. It is not authenticated; "
        "`pennant.dev/commanded-by` is.",
        "ada@example.com",
    ),
    Mark(
        f"{GROUP}/reason",
        "annotation",
        "ModelDeployment",
        "you, or a verb of `kubectl pennant` with `--reason`",
        "Why the command is given; copied into the history.",
        "wrong scores for payments in EUR",
    ),
)
WRITTEN = (
    Mark(
        f"{GROUP}/modeldeployment",
        "label",
        "pods, Deployment, Service, ControllerRevisions",
        "the operator",
        "Name of the ModelDeployment. The selector of the Deployment; use it as the selector of a Service.",
        "fraud",
    ),
    Mark(
        f"{GROUP}/model", "label", "pods, Deployment", "the operator", "`spec.model` of the ModelDeployment.", "fraud"
    ),
    Mark(f"{GROUP}/version", "label", "pods", "the operator", "Version that the pod serves.", "1.1.0"),
    Mark(
        f"{GROUP}/template-hash",
        "label",
        "pods",
        "the operator",
        "Hash of the pod template: the same for each revision with the same version and `spec.template`. Queries "
        "select by it with `${templateHash}`.",
        "1a2b3c4d5e6f",
    ),
    Mark(
        f"{GROUP}/adopted-by",
        "label",
        "ControllerRevision with the manifest of a Deployment that was taken over",
        "the operator",
        "Name of the ModelDeployment that [took the Deployment over](../how-to/adopt-a-deployment.md).",
        "fraud",
    ),
    Mark(
        "app.kubernetes.io/managed-by",
        "label",
        "Deployment, Service, ControllerRevisions",
        "the operator",
        "The operator lists only objects with this label.",
        "pennant",
    ),
    Mark(
        f"{GROUP}/revision",
        "annotation",
        "Deployment",
        "the operator",
        "Number of the revision that the Deployment is or becomes.",
        "3",
    ),
    Mark(
        f"{GROUP}/manifest-hash",
        "annotation",
        "Service",
        "the operator",
        "Hash of the Service as it was last applied.",
        "4d3c2b1a0f9e",
    ),
    Mark(
        "kubernetes.io/change-cause",
        "annotation",
        "Deployment",
        "the operator",
        "Version, revision and cause, as `kubectl rollout history deployment/NAME` shows them.",
        "fraud 1.0.0, revision 3: AutomaticRollback",
    ),
    Mark(
        f"{GROUP}/progress",
        "annotation",
        "ControllerRevisions",
        "the operator",
        "The fields of the history entry that change, as JSON: `verifiedAt`, `endedAt`, `outcome` and others.",
        '{"outcome": "Verified", "verifiedAt": "2026-11-03T10:11:00.007Z"}',
    ),
    Mark(
        "kubectl.kubernetes.io/restartedAt",
        "annotation",
        "pod template of the Deployment",
        "the operator for `pennant.dev/restart`, and `kubectl rollout restart`",
        "Time of a restart. It is kept, and belongs to the revision.",
        "2026-11-03T09:15:00Z",
    ),
)
OF_OTHERS = (
    Mark(
        f"{GROUP}/healthy-when",
        "annotation",
        "ModelDeployment",
        "you",
        "With `Verified`, the health check of [Argo CD](../gitops.md#wait-for-verified) reports Healthy only while the "
        "serving revision is verified, and Progressing before. The operator does not read it.",
        "Verified",
    ),
)
ALIAS_OF = f"alias.{GROUP}/"
"""Before the name of a tag: the alias of a registry that the tag follows."""
OF_SYNC = (
    Mark(
        f"{ALIAS_OF}<tag>",
        "annotation",
        "ModelVersion",
        "`pennant sync`, with `aliases` of a registry",
        "The alias that gave the version this tag, with the name of the registry. It says that the tag was moved to "
        "where the alias is, so that it is not moved there again. It is removed when the alias moves to another "
        "version.",
        "mlflow/champion",
    ),
)
STAMPER = "the API server, if `governance.stamp` of the chart is set"
STAMPED = (
    Mark(
        f"{GROUP}/created-by",
        "annotation",
        "ModelVersion",
        STAMPER,
        "The authenticated user who created it.",
        "ada@example.com",
    ),
    Mark(
        f"tagged-by.{GROUP}/<tag>",
        "annotation",
        "ModelVersion",
        STAMPER,
        "The authenticated user who put this tag on it. It is removed with the tag.",
        "system:serviceaccount:argocd:argocd-application-controller",
    ),
    Mark(
        f"{GROUP}/changed-by",
        "annotation",
        "ModelDeployment",
        STAMPER,
        "The authenticated user who last changed its spec, other than `paused` and `replicas`.",
        "ada@example.com",
    ),
    Mark(
        f"{GROUP}/version-by",
        "annotation",
        "ModelDeployment",
        STAMPER,
        "The authenticated user who last set, changed or removed `spec.version`.",
        "grace@example.com",
    ),
    Mark(
        f"{GROUP}/paused-by",
        "annotation",
        "ModelDeployment",
        STAMPER,
        "The authenticated user who last changed `spec.paused`.",
        "grace@example.com",
    ),
    Mark(
        f"{GROUP}/commanded-by",
        "annotation",
        "ModelDeployment",
        STAMPER,
        "The authenticated user who last changed an annotation of a command.",
        "grace@example.com",
    ),
)
MARKS = (*COMMANDS, *OF_OTHERS, *STAMPED, *OF_SYNC, *WRITTEN)


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join(
        (
            HEAD,
            "## Commands\n",
            "\n".join(map(_entry, COMMANDS)),
            "## Read by other tools\n",
            "\n".join(map(_entry, OF_OTHERS)),
            "## Authenticated users\n",
            ABOUT_USERS,
            "\n".join(map(_entry, STAMPED)),
            "## Written by sync\n",
            "\n".join(map(_entry, OF_SYNC)),
            "## Written by the operator\n",
            "\n".join(map(_entry, WRITTEN)),
        )
    )


def _entry(mark: Mark) -> str:
    given = f"`{mark.name}: {mark.example}`" if mark.kind == "label" else f"`{mark.name}: '{mark.example}'`"
    return (
        f"### {mark.name}\n\n"
        f"{mark.means}\n\n"
        f"- **Kind:** {mark.kind} of {mark.on}\n"
        f"- **Written by:** {mark.written_by}\n"
        f"- **Example:** {given}\n"
    )
