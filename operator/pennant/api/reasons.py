"""Condition types and reasons: a stable part of the API. `docs/conditions.md` is generated from this module.

Where `Stalled` says nothing more specific, its message ends with `to_do`: keep that within 250 characters.
"""

from enum import StrEnum
from typing import Annotated, Self

from pennant.api.meta import ANY_WORD, Open


class Word(StrEnum):
    """A condition type or a reason, with its documentation: what it means, when it is set and cleared, what to do.

    A reason has an example of its message too.
    """

    means: str
    set_when: str
    cleared_when: str
    to_do: str
    example: str
    """A message with this reason; empty for a condition type."""

    def __new__(cls, word: str, means: str, set_when: str, cleared_when: str, to_do: str, example: str = "") -> Self:
        """Return the member of this value, with the sentences as attributes."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.means, member.set_when = means, set_when
        member.cleared_when, member.to_do = cleared_when, to_do
        member.example = example
        return member

    @classmethod
    def of(cls, word: str) -> Self:
        """Return the member of this word; raises `KeyError` where there is none."""
        return {each.value: each for each in cls}[word]


class ConditionType(Word):
    """The conditions of a ModelDeployment."""

    READY = (
        "Ready",
        "The target version serves and is healthy.",
        "All pods run the target version, enough of them are available, and no enforced metric is breached.",
        "One of these is so, and `reason` and `message` are those of the first: `Stalled` or `RolledBack` is True, "
        "`TagResolved` is False, `Reconciling` is True, `Available` is False, `Suspended` is True and prevents a "
        "change, `MetricsHealthy` is False. `Verified`, `HistoryIntact` and `TemplateValid` do not affect it.",
        "Read the message.",
    )
    AVAILABLE = (
        "Available",
        "Enough pods are available to serve requests, whichever version they run.",
        "The condition `Available` of the Deployment is True, and at least one pod is available.",
        "The Deployment has fewer available pods than it needs.",
        "Look at the pods: `kubectl describe pods -l pennant.dev/modeldeployment=NAME`.",
    )
    TAG_RESOLVED = (
        "TagResolved",
        "The target version is known: exactly one version has the tag, or `spec.version` names one.",
        "Exactly one valid ModelVersion of the model has the tag, or the one that `spec.version` names exists.",
        "No version or more than one has the tag, or the version is invalid or does not exist.",
        "Add the tag to exactly one ModelVersion.",
    )
    RECONCILING = (
        "Reconciling",
        "A change is in progress.",
        "A revision is being rolled out, a rollback is pending, or the tag is being moved.",
        "The change is complete, or it cannot continue until a user acts.",
        "Wait: `kubectl wait --for=condition=Ready modeldeployment/NAME`.",
    )
    STALLED = (
        "Stalled",
        "The operator cannot continue; a user must act.",
        "One of the problems applies that the operator cannot solve. The reason names it.",
        "The problem is solved.",
        "Read the message: it ends with what to do.",
    )
    METRICS_HEALTHY = (
        "MetricsHealthy",
        "All enforced metrics of the current revision pass.",
        "The last checks of each enforced metric are within its limits.",
        "A metric is breached (False), or it is not known whether a metric passes (Unknown).",
        "See `status.analysis`, which has the state and the reason of each metric.",
    )
    ROLLED_BACK = (
        "RolledBack",
        "The target version is quarantined, because it failed here or was undone, and another version serves.",
        "The target version, or its combination with the current pod template, is in `status.quarantine` and is not "
        "the current revision.",
        "The tag moves to another version, or the version is retried.",
        "Move the tag to a fixed version, or retry this one: `pennant.dev/retry` with its version.",
    )
    VERIFIED = (
        "Verified",
        "The current revision is verified. Automatic rollbacks go to verified revisions only.",
        "The revision was available, and all enforced metrics passed, for `analysis.bakeSeconds` without interruption.",
        "A new revision becomes the current one, or the current one fails. While the condition is False, the reason "
        "says what verification waits for.",
        "Wait; if the reason is neither `Baking` nor `RolloutInProgress`, follow its advice.",
    )
    SUSPENDED = (
        "Suspended",
        "Rollouts, rollbacks and corrections are suspended.",
        "`spec.paused` is true.",
        "`spec.paused` is false.",
        "Set `spec.paused` to false to continue.",
    )
    HISTORY_INTACT = (
        "HistoryIntact",
        "All history entries match their ControllerRevisions.",
        "Each revision of `status.history` and `status.olderRevisions` has its ControllerRevision, the hashes of both "
        "match, and each revision names the hash of the one before it.",
        "A ControllerRevision is missing, or its content was changed.",
        "Find out who changed it; the message names the revision. docs/history.md says what the hashes can prove.",
    )

    TEMPLATE_VALID = (
        "TemplateValid",
        "The API server accepts the Deployment of this spec.",
        "The Deployment was applied, or a dry run succeeded. A dry run is made as soon as the spec changes, also while "
        "rollouts are paused, a gate blocks the target version, or no version has the tag.",
        "The API server refuses the Deployment (False; the message names the field), or has answered no dry run for a "
        "minute (Unknown).",
        "Correct the field that the message names.",
    )


class VersionConditionType(Word):
    """The conditions of a ModelVersion."""

    READY = (
        "Ready",
        "The record is valid.",
        "Every field of the spec matches the schema.",
        "A field is invalid. The message names it, and says what it must be.",
        "Create a new ModelVersion with the field fixed; a record cannot be changed.",
    )
    COMPLETE = (
        "Complete",
        "The record has all nine elements that are needed to reproduce the version.",
        "None of the nine elements is missing.",
        "An element is missing (False; the message lists them), or the spec is invalid (Unknown).",
        "A record may be incomplete unless `promotion.requireComplete` is set. To add elements, create a new "
        "ModelVersion.",
    )
    EXPIRED = (
        "Expired",
        "`spec.retention` of all ModelDeployments of the model would let the version go. The condition is absent while "
        "`keepLast` or `maxAgeDays` keeps it.",
        "Nothing keeps the version: it is deleted if all of them have the action Delete, and reported otherwise.",
        "Something else keeps the version, such as a tag or a legal hold; the message names it.",
        "No action needed. To keep the version, set `spec.retention.minimumDays` or `legalHold` in it.",
    )


class Reason(Open, Word):
    """Why a condition, a metric or an event is what it is."""

    @classmethod
    def _described(cls, word: Self) -> Self:
        word.means = "A newer release of the operator wrote this reason."
        word.set_when = word.cleared_when = "See the documentation of that release."
        word.to_do = "Read the documentation of that release."
        word.example = ""
        return word

    SERVING = (
        "Serving",
        "The target version serves.",
        "The rollout is complete and no enforced metric is breached.",
        "A change begins, or a problem occurs.",
        "No action needed.",
        '1.0.0 has the tag "production" and serves',
    )
    TAG_HELD = (
        "TagHeld",
        "Exactly one version has the tag.",
        "One valid ModelVersion of the model has the tag.",
        "The tag is moved.",
        "No action needed.",
        'fraud-1.1.0 has the tag "production"',
    )
    TAG_UNASSIGNED = (
        "TagUnassigned",
        "No version of the model has the tag. The current version keeps serving.",
        "No ModelVersion of the model in this namespace has the tag in `spec.tags`.",
        "A ModelVersion gets the tag.",
        "Add the tag to the version that should serve.",
        'no ModelVersion has the tag "production"; 1.0.0 keeps serving',
    )
    TAG_AMBIGUOUS = (
        "TagAmbiguous",
        "More than one version of the model has the tag. The current version keeps serving.",
        "Two or more valid ModelVersions have the tag, and `promotion.onAmbiguousTag` is Hold, or one of them has no "
        "semantic version.",
        "Exactly one of them has it.",
        "Remove the tag from all versions but one.",
        '2 ModelVersions have the tag "production": fraud-1.0.0, fraud-1.1.0; 1.0.0 keeps serving',
    )
    HOLDER_INVALID = (
        "HolderInvalid",
        "The target version is not a valid record. The current version keeps serving.",
        "Every ModelVersion that has the tag, or the one that `spec.version` names, is invalid. The message names the "
        "field.",
        "A valid ModelVersion has the tag.",
        "Create a fixed ModelVersion and move the tag to it.",
        'ModelVersion fraud-1.1.0 has the tag "production", but is invalid: spec.code.commit: must be '
        "the hash of a commit: 7 to 64 lower-case hexadecimal digits; 1.0.0 keeps serving",
    )
    VERSION_PINNED = (
        "VersionPinned",
        "`spec.version` names the target version; tags are ignored.",
        "`spec.version` is set, and a valid ModelVersion with that version exists.",
        "`spec.version` is removed, or the ModelVersion is deleted.",
        "No action needed.",
        "spec.version names ModelVersion fraud-1.0.0",
    )
    VERSION_NOT_FOUND = (
        "VersionNotFound",
        "`spec.version` names a version that does not exist. The current version keeps serving.",
        "No ModelVersion of the model in this namespace has that version.",
        "The ModelVersion is created, or `spec.version` is changed.",
        "Create the ModelVersion, or correct `spec.version`.",
        "spec.version is 9.9.9, and no ModelVersion has that version; 1.0.0 keeps serving",
    )
    NEWEST_OF_SEVERAL = (
        "NewestOfSeveral",
        "Several versions have the tag; the target is the one with the highest semantic version.",
        "Two or more valid ModelVersions have the tag, and `promotion.onAmbiguousTag` is Newest.",
        "Exactly one of them has it.",
        "No action needed.",
        'fraud-1.10.0 is the newest version with the tag "production"; fraud-1.9.0 have it too',
    )
    PAUSED = (
        "Paused",
        "The ModelDeployment is paused: no rollout, rollback or correction begins or continues.",
        "`spec.paused` is true, or the Deployment is paused.",
        "`spec.paused` is false.",
        "Set `spec.paused` to false to continue.",
        "spec.paused is true; rollouts, rollbacks and corrections are paused",
    )
    NOT_PAUSED = (
        "NotPaused",
        "Rollouts and rollbacks are automatic.",
        "`spec.paused` is false.",
        "`spec.paused` is true.",
        "No action needed.",
        "rollouts and rollbacks are automatic",
    )
    HISTORY_CONSISTENT = (
        "HistoryConsistent",
        "All history entries match their ControllerRevisions.",
        "No entry differs from its ControllerRevision, and none is missing.",
        "An entry differs, or a ControllerRevision is missing.",
        "No action needed.",
        "all history entries match their ControllerRevisions",
    )
    HISTORY_TAMPERED = (
        "HistoryTampered",
        "A part of the history was changed or deleted.",
        "In `HistoryIntact`: a ControllerRevision is missing or was changed. In `Stalled`: it is that of the current "
        "revision, which keeps serving but cannot be recorded again; or the status is lost and ControllerRevisions "
        "contradict each other. As an event: an entry of `status.history` differed from its ControllerRevision and was "
        "restored.",
        "In `HistoryIntact`: the revision is older than `historyLimit` allows. In `Stalled`: a new revision becomes "
        "the current one.",
        "Find out who has permission to write ModelDeployment status and ControllerRevisions; the message names the "
        "revision and the field. docs/history.md says what the hashes can prove.",
        "the ControllerRevision of revision 1 is missing",
    )
    STATUS_UNREADABLE = (
        "StatusUnreadable",
        "A part of the status cannot be read. The operator changes nothing; the current version keeps serving.",
        "A field of the status that cannot be computed again has a form that this release does not know, because a "
        "newer release or another client wrote it. The message names the field. For a ModelVersion: an event only.",
        "The status can be read again, or is removed.",
        "Run the release that wrote the status, or remove the status by the command in the message: it is rebuilt from "
        "the ControllerRevisions.",
        "status.history[0].startedAt: must be a time. Nothing is changed, and the current version keeps serving",
    )
    RECORD_INCOMPLETE = (
        "RecordIncomplete",
        "Elements of a complete record are missing. The target version is not rolled out if "
        "`promotion.requireComplete` is true.",
        "One of the nine elements is missing; the message lists them. A ModelVersion reports it always, a "
        "ModelDeployment if `promotion.requireComplete` is true.",
        "The tag moves to another version, or the requirement is removed.",
        "Create a new ModelVersion with the missing elements and move the tag to it.",
        "1.1.0 has an incomplete record, and promotion.requireComplete is true. Missing: Author, Reason; "
        "1.0.0 keeps serving. Create a new ModelVersion with the missing elements and move the tag to it.",
    )
    RECORD_VALID = (
        "RecordValid",
        "The record is valid.",
        "Every field of the spec matches the schema.",
        "A field is invalid.",
        "No action needed.",
        "the record is valid",
    )
    RETENTION_EXCEEDED = (
        "RetentionExceeded",
        "The version need not be kept.",
        "It is beyond `keepLast` and older than `maxAgeDays` of `spec.retention`, and nothing else keeps it.",
        "Something keeps it, or it is deleted.",
        "No action needed. With `action: Delete` in all ModelDeployments of the model, the operator deletes it.",
        "beyond the 30 versions that were created last; last used 2026-01-02T09:00:00.000Z",
    )
    KEPT = (
        "Kept",
        "The version is beyond the limits of `spec.retention`, and something else keeps it.",
        "It is in use, tagged, under legal hold, managed by a tool such as Argo CD, or a parent of a version that is "
        "kept; the message says which.",
        "That reason ends.",
        "No action needed.",
        "beyond the 30 versions that were created last; kept: it has the tag staging",
    )
    DELETION_REFUSED = (
        "DeletionRefused",
        "The version need not be kept, and the operator must not delete it.",
        "`spec.retention.action` is Delete, and the operator has no archive for its record, or no permission to delete "
        "ModelVersions, or a write failed; the message says which.",
        "The operator can export the record and delete the version.",
        "Set `archive` and `retention.delete` in the values of the chart, or use `action: Report`.",
        "beyond the 30 versions that were created last; last used 2026-01-02T09:00:00.000Z; not deleted: the operator "
        "has no archive for its record; set archive in the values of the chart",
    )
    RECORD_COMPLETE = (
        "RecordComplete",
        "The record has all nine elements.",
        "None of the nine elements is missing.",
        "Never: a record cannot be changed.",
        "No action needed.",
        "all 9 elements are present",
    )
    GATE_FAILED = (
        "GateFailed",
        "A promotion gate blocks the target version: by its record, it is worse than the current version.",
        "A gate of `promotion.gates` does not pass. The message names the gate, and gives both values.",
        "The tag moves to another version, or the gate is changed.",
        "Compare the two records; move the tag back, or change `promotion.gates`.",
        "promotion gate auc/holdout/Test blocks 1.1.0: 0.90 is worse than 0.95 of 1.0.0 by 0.05, maximum "
        "0.01; 1.0.0 keeps serving. Compare the two records; move the tag back, or change "
        "`promotion.gates`.",
    )
    VERSION_REPLACED = (
        "VersionReplaced",
        "The ModelVersion that `spec.version` names was deleted and created again with another content than the one "
        "that was rolled out under this name. The current version keeps serving.",
        "A user who may delete and create ModelVersions replaced it, or a GitOps tool did after its record changed in "
        "Git. The message names who created it.",
        "`spec.version` names another version, the deleted content is created again, or a tag chooses the version.",
        "Register the new content under a new version and set `spec.version` to it.",
        "1.0.0 was deleted and created again by the user dora with another content; 1.0.0 keeps serving as it was. "
        "Register the new content under a new version and set `spec.version` to it.",
    )
    FOUR_EYES = (
        "FourEyes",
        "The user who created the target version also set `spec.version` to it, and `governance.promote.fourEyes` of "
        "the chart is set. The current version keeps serving.",
        "One user recorded and chose a version. The message names the user.",
        "Another user sets `spec.version` to another version and back, or the tag chooses the version.",
        "Somebody else sets `spec.version` to another version and back, or puts the tag on this version and removes "
        "`spec.version`.",
        "dave created 1.4.0 and set spec.version to it, so somebody else must choose it; 1.3.0 keeps serving. Somebody "
        "else sets `spec.version` to another version and back, or puts the tag on this version and removes "
        "`spec.version`.",
    )
    SERVING_NOT_ALLOWED = (
        "ServingNotAllowed",
        "The target version sets a part of `spec.serving` that `spec.allowServing` of the ModelDeployment does not "
        "permit.",
        "The record sets an image, arguments or environment variables, and the ModelDeployment permits resources only, "
        "which is the default. The message names the fields and what is not permitted.",
        "`spec.allowServing` permits it, or the tag moves to a version that does not set it.",
        "Add what is missing to `spec.allowServing`, or move the tag to a version whose record does not set these "
        "fields and set them in `spec.template`.",
        "1.1.0 sets serving.image, and spec.allowServing of the ModelDeployment lacks Image; 1.0.0 keeps serving. Add "
        "what is missing to `spec.allowServing`, or move the tag to a version whose record does not set these fields "
        "and set them in `spec.template`.",
    )
    ROLLBACK_BUDGET_EXHAUSTED = (
        "RollbackBudgetExhausted",
        "The number of automatic rollbacks has reached `rollback.budget`. No further rollback is made, and no new "
        "version is rolled out.",
        "A version fails, or a new version has the tag, while the budget is used up.",
        "The oldest counted rollback leaves the window, or the budget is raised.",
        "Find out why versions keep failing; move the tag to a verified version, or raise `rollback.budget`.",
        "1.2.0 is blocked: 3 automatic rollbacks within 3600 s, rollback.budget allows 3; 1.0.0 keeps "
        "serving. Find out why versions keep failing; move the tag to a verified version, or raise "
        "`rollback.budget`.",
    )
    ROLLBACK_COOLING_DOWN = (
        "RollbackCoolingDown",
        "A rollback is due, but `rollback.cooldownSeconds` since the last one are not over.",
        "The current version fails within `rollback.cooldownSeconds` after an automatic rollback.",
        "The cooldown is over. The version is then rolled back if it still fails.",
        "Wait, or roll back at once by `pennant.dev/rollback-to`.",
        "accuracy is 0.78, below 0.9, in 3 of 3 checks; a rollback is due, but the last automatic rollback "
        "was less than rollback.cooldownSeconds (600 s) ago",
    )
    BREACH_PAUSED = (
        "BreachPaused",
        "The current version failed. Its rollout is paused, because `rollback.action` is Pause.",
        "A metric is breached, or the rollout failed, and `rollback.action` is Pause.",
        "The tag moves, the version is retried or undone, or `rollback.action` is changed.",
        "Decide: move the tag, or give `pennant.dev/rollback-to` or `pennant.dev/retry`.",
        "1.1.0 failed: accuracy is 0.78, below 0.9, in 3 of 3 checks; rollback.action is Pause, so its "
        "rollout is paused. Move the tag, or give pennant.dev/rollback-to or pennant.dev/retry",
    )
    MASS_BREACH_SUSPECTED = (
        "MassBreachSuspected",
        "So many different contents breach at the same time that the metric source is suspect. No version that "
        "breaches by this source alone is rolled back.",
        "At least `mass_breach_count` different contents breach enforced metrics of the source, one of them was "
        "verified before, and at least `mass_breach_percent` of the deployments that use the source breach, in the "
        "cluster and in the namespace (both are settings of the operator). Also for the first 5 seconds after a start.",
        "Fewer of them breach.",
        "Check the metric source. If its values are right, roll back by `pennant.dev/rollback-to`, or move the tags.",
        "accuracy is 0, below 0.9, in 3 of 3 checks; 40 of 42 deployments, with 12 different contents, "
        "breach at the same time, so metric source default is suspect. Check the metric source. If its "
        "values are right, roll back by `pennant.dev/rollback-to`, or move the tags.",
    )
    ROLLOUT_IN_PROGRESS = (
        "RolloutInProgress",
        "A revision is being rolled out.",
        "Not all pods are of the current revision and available.",
        "All pods are of the current revision and available, or the rollout failed.",
        "Wait.",
        "1.1.0 is being rolled out (revision 2)",
    )
    ROLLBACK_IN_PROGRESS = (
        "RollbackInProgress",
        "An automatic rollback to a verified version is in progress.",
        "A metric was breached or a rollout failed, and a verified revision exists.",
        "All pods are of the rollback target and available.",
        "Wait; then see the condition `RolledBack`.",
        "1.0.0 is being rolled out (revision 3)",
    )
    UP_TO_DATE = (
        "UpToDate",
        "No change is in progress.",
        "The Deployment is that of the current revision, or no change can be made until a user acts.",
        "A change begins.",
        "No action needed.",
        "no change is in progress",
    )
    NOT_STALLED = (
        "NotStalled",
        "No action needed.",
        "None of the reasons of `Stalled` applies.",
        "One of them applies.",
        "No action needed.",
        "no action needed",
    )
    ARTIFACT_UNDELIVERABLE = (
        "ArtifactUndeliverable",
        "An artefact of the target version cannot be brought to the pods as `spec.delivery` says. The current version "
        "keeps serving.",
        "An artefact has no digest that can be computed from its bytes, is no image with a digest for the mode Image, "
        "or is not there for `delivery.unpack`; or the operator does not know its own image.",
        "The tag moves to a version with other artefacts, or `spec.delivery` changes.",
        "Register a version with what the message names, or change spec.delivery.",
        "1.1.0 cannot be delivered: artefact model cannot be delivered by Fetch: it has no digest. Record one, or set "
        "spec.delivery.requireDigest to false; 1.0.0 keeps serving. Register a version with what the message names, or "
        "change spec.delivery.",
    )
    MINIMUM_AVAILABLE = (
        "MinimumAvailable",
        "Enough pods are available.",
        "The condition `Available` of the Deployment is True, and at least one pod is available.",
        "Too few pods are available.",
        "No action needed.",
        "3 of 3 pods were available when the status changed",
    )
    PODS_UNAVAILABLE = (
        "PodsUnavailable",
        "Too few pods are available. A revision that is not verified and loses all its pods by its own fault has "
        "failed.",
        "The condition `Available` of the Deployment is not True, or no pod has been available for "
        "`rollout.progressDeadlineSeconds`.",
        "Enough pods are available.",
        "Look at the pods: `kubectl describe pod` and `kubectl logs`.",
        "0 of 3 pods were available when the status changed",
    )
    PODS_UNSCHEDULABLE = (
        "PodsUnschedulable",
        "No node has room for the new pods. The version has not failed.",
        "The scheduler has found no node for a pod of the current revision for `rollout.progressDeadlineSeconds`. The "
        "message quotes the scheduler.",
        "The pods are scheduled. The rollout then has its whole deadline again.",
        "Add nodes, free resources, or change what the pod template requests. Set `rollout.onUnschedulable` to "
        "Rollback to roll back instead.",
        "0 pods of 1.1.0 (revision 2) became available: pod fraud-7c9d8b6f5d-x2x4q cannot be scheduled: "
        "Unschedulable: 0/3 nodes are available: 3 Insufficient memory. Add nodes, free resources, or "
        "change what the pod template requests",
    )
    PODS_REFUSED = (
        "PodsRefused",
        "The API server refuses to create the new pods. The version has not failed.",
        "A ResourceQuota, a LimitRange or an admission policy refuses the pods of the current revision. The message "
        "quotes the API server.",
        "The pods are created. The rollout then has its whole deadline again.",
        "Raise the quota, or change the policy or the pod template.",
        "2 pods of 1.1.0 (revision 2) became available: the API server refuses to create pods: pods "
        '"fraud-7c9d8b6f5d-x2x4q" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=3, '
        "limited: pods=3. Raise the quota, or change the policy or the pod template",
    )
    PODS_EVICTED = (
        "PodsEvicted",
        "The new pods were evicted from their nodes. The version has not failed.",
        "A pod of the current revision was evicted, preempted or terminated with its node, and no further pod became "
        "available for `rollout.progressDeadlineSeconds`.",
        "A pod stays on its node. The rollout then has its whole deadline again.",
        "Look at the nodes; set the resource requests and the priority that the pods need.",
        "0 pods of 1.1.0 (revision 2) became available: pod fraud-7c9d8b6f5d-x2x4q was evicted: The node "
        "was low on resource: memory. Look at the nodes, and set the resource requests and the priority "
        "that the pods need",
    )
    PODS_NOT_STARTED = (
        "PodsNotStarted",
        "The new pods are scheduled, but their containers do not start. The version has not failed.",
        "No container of a pod of the current revision has started for `rollout.progressDeadlineSeconds`; or all its "
        "containers are ready, but its node or a readiness gate is not.",
        "The containers start. The rollout then has its whole deadline again.",
        "Look at the events of the pod (`kubectl describe pod`) and at the node.",
        "0 pods of 1.1.0 (revision 2) became available: pod fraud-7c9d8b6f5d-x2x4q is scheduled to node "
        "worker-1, but its containers have not started: ContainerCreating. Look at the events of the pod "
        "(`kubectl describe pod`) and at the node",
    )
    CONTROLLERS_AWAY = (
        "ControllersAway",
        "The controllers of Kubernetes do not handle the new pods. The version has not failed.",
        "For `rollout.progressDeadlineSeconds`, no controller has created, scheduled or counted the pods of the "
        "current revision.",
        "The pods are created and counted. The rollout then has its whole deadline again.",
        "Check kube-controller-manager and kube-scheduler.",
        "0 pods of 1.1.0 (revision 2) became available: pod fraud-7c9d8b6f5d-x2x4q has no node and no "
        "condition PodScheduled. Check kube-controller-manager and kube-scheduler",
    )
    SCALED_TO_ZERO = (
        "ScaledToZero",
        "There are no pods, because `spec.replicas` is 0. No metric is read, and no revision is verified or fails.",
        "`spec.replicas` is 0.",
        "The ModelDeployment is scaled up. The deadline begins then, the bake time with the first available pod.",
        "No action needed.",
        "spec.replicas is 0, so there are no pods",
    )
    BAKING = (
        "Baking",
        "The current revision passes, but its bake time is not over.",
        "The revision is rolled out, enough pods are available, and all enforced metrics pass.",
        "`analysis.bakeSeconds` are over without interruption, or there is an interruption.",
        "Wait.",
        "1.1.0 (revision 2) is verified when it has passed analysis.bakeSeconds without interruption",
    )
    NOT_VERIFIED = (
        "NotVerified",
        "The current revision has not been verified in time, so no rollback can go to it.",
        "Twice its bake time is over. The message says what verification waits for.",
        "Event only; see the condition `Verified`.",
        "Correct the query or the metric source that the message names. If the query has a series only while something "
        "is wrong, add `or vector(0)` or set `onNoData` to Pass.",
        "not verified after twice the bake time: 1.0.0 (revision 1) is not verified: accuracy returned no "
        "sample. If no series means that all is well, add `or vector(0)` to the query, or set onNoData: "
        "Pass",
    )
    REINSTATED = (
        "Reinstated",
        "A revision whose rollout failed is verified after all.",
        "The rollout took longer than its deadline, no other revision replaced it, and it has passed its bake time "
        "since.",
        "Event only.",
        "Raise `rollout.progressDeadlineSeconds`.",
        "1.1.0 (revision 2) became available and passed its bake time; it had failed: 0 of 3 pods became "
        "available, and none within 600 s: container server of pod fraud-7c9d8b6f5d-x2x4q is running, but "
        "its startup or readiness probe fails",
    )
    ROLLBACK_DID_NOT_HELP = (
        "RollbackDidNotHelp",
        "The rollback target breaches the same metric, so the version is not the cause. No further version is rolled "
        "back or quarantined.",
        "`rollback.limit` automatic rollbacks followed each other, none of their targets was verified again, and the "
        "current one breaches the metric that caused the rollback.",
        "The metric passes, or the tag moves.",
        "Look for what both versions depend on: data, features, traffic, other services.",
        "accuracy is 0.3, below 0.9, in 3 of 3 checks; 1.2.0 (revision 4) breached the same metric before "
        "the rollback (accuracy 0.2, min 0.9), so the version is not the cause. Look for what both versions "
        "depend on: data, features, traffic, other services.",
    )
    ROLLBACK_LIMIT_REACHED = (
        "RollbackLimitReached",
        "`rollback.limit` automatic rollbacks followed each other, and none of their targets was verified again.",
        "The rollback target fails for another reason than the version before it.",
        "It passes, or the tag moves.",
        "Look at the message; move the tag, or raise `rollback.limit`.",
        "recall is 0.1, below 0.9, in 3 of 4 checks; 1 consecutive automatic rollback from 1.1.0 (revision "
        "2), rollback.limit allows 1. Look at the message; move the tag, or raise `rollback.limit`.",
    )
    VARIABLE_OVERRIDDEN = (
        "VariableOverridden",
        "The pod template sets a variable that would have a value of the record. The value of the template is used.",
        "A container that gets the values of the record has a variable of the same name in `spec.template`, and a new "
        "revision begins.",
        "Event only.",
        "If the server should get the value of the record, remove the variable from `spec.template`, or set another "
        "`spec.inject.prefix`.",
        "container server sets MODEL_NAME: the values of spec.template are used, not those of the record",
    )
    DUPLICATE_IGNORED = (
        "DuplicateIgnored",
        "A container of the pod template has a variable or a port twice. The last one is used, as in Kubernetes.",
        "A container has two variables of one name, or two ports of one number and protocol, and a new revision "
        "begins.",
        "Event only.",
        "Remove one of them from `spec.template`.",
        "container server has variable LOG_LEVEL twice: the last one is used",
    )
    SURGE_NEEDS_ROOM = (
        "SurgeNeedsRoom",
        "The rollout starts a second pod that may find no GPU, or cannot mount its volume.",
        "There is one replica, `rollout.maxSurge` is not 0, and the pod template requests a device such as "
        "`nvidia.com/gpu` or mounts a PersistentVolumeClaim.",
        "Event only.",
        "If there is no second device or volume, set `rollout.maxSurge: 0` and `rollout.maxUnavailable: 1`.",
        "A rollout of one replica starts the new pod beside the old one, and the pod template requests "
        "nvidia.com/gpu. If there is no second one, set rollout.maxSurge: 0 and rollout.maxUnavailable: 1",
    )
    NOT_DEPLOYED = (
        "NotDeployed",
        "No version serves yet.",
        "The Deployment does not exist.",
        "The first revision is rolled out.",
        "See the conditions `TagResolved` and `Stalled`.",
        "nothing is deployed yet",
    )
    METRICS_PASSING = (
        "MetricsPassing",
        "Every enforced metric passes.",
        "The last checks of each enforced metric pass.",
        "A metric is breached, or it is not known whether it passes.",
        "No action needed.",
        "accuracy is within min 0.9; latency is within max 0.25",
    )
    NO_METRICS = (
        "NoMetrics",
        "No enforced metric is configured, so no version can fail by its metrics.",
        "`spec.analysis.metrics` is empty, or all of its metrics have the mode Observe.",
        "An enforced metric is added.",
        "Add a metric that shows whether a version is good.",
        "no enforced metric is configured",
    )
    AWAITING_FIRST_CHECK = (
        "AwaitingFirstCheck",
        "The current revision has not been checked yet.",
        "The revision has no available pod, or `initialDelaySeconds` and the first interval are not over, or the range "
        "of the query may still contain samples from before the revision (`settleSeconds`).",
        "The first check is done.",
        "Wait.",
        "accuracy has not been checked yet",
    )
    WITHIN_THRESHOLD = (
        "WithinThreshold",
        "The metric is within its limits.",
        "Fewer than `breaches.count` of the last `breaches.of` checks are breaches.",
        "More of them are, or a check has no value.",
        "No action needed.",
        "accuracy is within min 0.9",
    )
    THRESHOLD_BREACHED = (
        "ThresholdBreached",
        "The metric is beyond its threshold.",
        "`breaches.count` of the last `breaches.of` checks are breaches.",
        "The checks pass again, or a new revision becomes the current one.",
        "See the condition `RolledBack`; find out what is wrong with the version.",
        "accuracy is 0.78, below 0.9, in 3 of 3 checks",
    )
    WORSE_THAN_STABLE = (
        "WorseThanStable",
        "The metric is worse than that of the last verified version by more than `compareTo` allows.",
        "`breaches.count` of the last `breaches.of` checks are beyond `maxIncreasePercent` or `maxDecreasePercent`.",
        "The checks pass again, or a new revision becomes the current one.",
        "See the condition `RolledBack`; compare the two versions.",
        "latency is 0.31, more than 20 % above 0.25 of 1.0.0, in 3 of 3 checks",
    )
    NOTHING_TO_COMPARE = (
        "NothingToCompare",
        "There is no other verified version to compare with, so the check passes.",
        "The metric has `compareTo`, and the current revision is the first one, or its content was verified before.",
        "Another version is verified.",
        "No action needed.",
        "latency has no other verified version to compare with",
    )
    NO_BASELINE = (
        "NoBaseline",
        "There is no value of the last verified version to compare with.",
        "For the time in which that version served, the query returned no value, or more than one series.",
        "A new revision becomes the current one.",
        "Check that the query returns one series for the last verified version. Set `threshold` as well to have a "
        "limit in any case.",
        "latency cannot be compared: the query returned no value for 1.0.0 while it served",
    )
    TOO_FEW_SAMPLES = (
        "TooFewSamples",
        "The check has too few samples.",
        "`minimumSamples.query` returned less than `minimumSamples.count`.",
        "There are enough samples.",
        "Wait for traffic, or lower `minimumSamples.count`.",
        "accuracy has 7 samples, minimumSamples.count is 100",
    )
    ALERT_FIRING = (
        "AlertFiring",
        "A matching alert fires, and began after the current revision.",
        "An alert that `alert` matches fires. It began after the revision did; or after the first pod of the revision "
        "was available, if no label names the revision.",
        "The alert stops firing, or a new revision becomes the current one.",
        "See the condition `RolledBack`; follow the runbook of the alert.",
        "errors: alert TooManyErrors fires since 2026-11-03T14:19:50Z",
    )
    NO_ALERT_FIRING = (
        "NoAlertFiring",
        "No matching alert fires.",
        "An alerting rule of this name exists, if the metric source lists its rules, and no matching alert fires.",
        "A matching alert fires.",
        "No action needed.",
        "errors: alert TooManyErrors does not fire",
    )
    ALERT_FIRING_BEFORE = (
        "AlertFiringBefore",
        "A matching alert fires, but began before the current revision. It is not known whether the revision would "
        "cause it.",
        "An alert that `alert` matches fires. It began before the revision did; or before the first pod of the "
        "revision was available, if no label names the revision.",
        "The alert stops firing. One that begins later counts against the revision.",
        "Follow the runbook of the alert. Add a label with the version to the alert, so that each version has its own.",
        "errors: alert TooManyErrors fires since 2026-11-03T13:02:10Z, before this revision began, so it is "
        "not known whether this revision is the cause",
    )
    ALERT_UNKNOWN = (
        "AlertUnknown",
        "The metric source has no alerting rule of this name.",
        "The metric source lists its alerting rules, and none has this name.",
        "It lists one of this name.",
        "Correct the name, which is not a regular expression, or load the rule. If another server evaluates the rules, "
        "set `listsRules: false` for the source in the operator's configuration.",
        "errors: metric source default has no alerting rule TooManyErrors",
    )
    NO_DATA = (
        "NoData",
        "The query returned no sample for the last check.",
        "The result is empty, or its sample is older than two intervals.",
        "The query returns a sample.",
        "Check the query, its labels, and that the pods are scraped; the message names the label that no series has. "
        "If no series means that all is well, such as no errors, add `or vector(0)` or set `onNoData` to Pass.",
        "accuracy returned no sample. If no series means that all is well, add `or vector(0)` to the query, "
        "or set onNoData: Pass",
    )
    NOT_A_NUMBER = (
        "NotANumber",
        "The query returned NaN or an infinite value, for example a ratio without traffic.",
        "The last sample is not finite.",
        "The query returns a finite value.",
        "Guard the query against division by zero, or set `minimumSamples`.",
        "accuracy is nan, not a number",
    )
    MULTIPLE_SERIES = (
        "MultipleSeries",
        "The query returned more than one series, so there is no single value to check.",
        "The result has two or more series.",
        "The query returns one series.",
        "Aggregate in the query, for example with `sum(...)`.",
        "accuracy returned more than one series. Aggregate in the query, for example with sum()",
    )
    SOURCE_UNAVAILABLE = (
        "SourceUnavailable",
        "The metric source does not answer. Nothing is rolled back for it, unless `onError` is Breach.",
        "The metric source cannot be reached, answers with a server error, or sends an answer that cannot be read.",
        "It answers.",
        "Check the metric source.",
        "accuracy cannot be read from metric source default: HTTP 503",
    )
    SOURCE_SLOW = (
        "SourceSlow",
        "The metric source is too slow for the interval, so it is not known whether the metric passes.",
        "No answer came for two intervals, or the last answer took longer than that. A breach that a late answer shows "
        "counts.",
        "An answer comes within two intervals.",
        "Raise `analysis.intervalSeconds`, simplify the query with a recording rule, or raise `concurrentQueries` of "
        "the source.",
        "accuracy cannot be read from metric source default: the last answer took 121.0 s, more than two "
        "intervals (120 s)",
    )
    SOURCE_PARTIAL = (
        "SourcePartial",
        "The metric source reports that its answer is partial.",
        "The answer is marked as partial, or has a warning that is not about the query, such as a store that did not "
        "answer.",
        "The source gives a complete answer.",
        "Check the parts of the metric source: the stores of Thanos, the storage nodes of VictoriaMetrics.",
        "accuracy cannot be read from metric source default: the answer is partial, because a part of the "
        "source did not answer",
    )
    SOURCE_UNKNOWN = (
        "SourceUnknown",
        "No metric source of this name is configured.",
        "The operator's configuration has no source of the name that the metric gives.",
        "The source is configured.",
        "Use a configured name, or add the source to the operator's configuration.",
        "accuracy cannot be read from metric source default: no metric source of this name is configured; "
        "add it to the operator's configuration",
    )
    SOURCE_NOT_PERMITTED = (
        "SourceNotPermitted",
        "The metric source is not for this namespace.",
        "The operator's configuration names the namespaces that may use the source, and this one is not among them. "
        "Nothing is sent to the source.",
        "The configuration names the namespace, or the metric names another source.",
        "Use a source for this namespace, or have it added to `namespaces` of the source.",
        "accuracy cannot be read from metric source payments: the operator's configuration does not permit this source "
        "in the namespace shop; add the namespace to `namespaces` of the source, or use another source",
    )
    QUERY_REFUSED = (
        "QueryRefused",
        "The metric source refuses the query.",
        "It answers 4xx, for example because of a PromQL error.",
        "It accepts the query.",
        "Try the query in Prometheus, and correct it.",
        "accuracy cannot be read from metric source default: the query is refused (bad_data)",
    )
    METRIC_BREACH = (
        "MetricBreach",
        "A version failed analysis: an enforced metric was breached.",
        "A metric was breached while the version was the current one.",
        "The tag moves to another version, or the version is retried.",
        "Fix the model, and move the tag to the new version.",
        "accuracy is 0.78, below 0.9, in 3 of 3 checks",
    )
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "A rollout failed: pods did not become available in time, by the fault of the revision.",
        "No further pod became available for `rollout.progressDeadlineSeconds`, and a container of the revision failed "
        "or never became ready.",
        "The tag moves to another version, or the version is retried.",
        "Look at the events and the logs of the pods.",
        "0 of 2 pods became available, and none within 30 s: container server of pod hello-76959b5fd5-5qcql "
        "is waiting: CrashLoopBackOff: back-off 16s restarting failed container=server; it last terminated "
        "with exit code 1 (Error), after 6 restarts",
    )
    DIGEST_MISMATCH = (
        "DigestMismatch",
        "A rollout failed: an artefact does not have the digest of the record. It was not served.",
        "The init container `pennant-fetch` of a new revision computed another digest from the bytes of an artefact.",
        "The tag moves to another version, or the version is retried.",
        "Find out who changed the artefact. Restore it and retry the version, or register what is there as a new "
        "version.",
        "1.1.0 failed: pod fraud-76959b5fd5-5qcql: artefact model has the digest "
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, not "
        "sha256:6f0d3f7a2f0f9d3b1c2f4a5e6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8 as recorded (s3://models/m); there "
        "is no verified revision to roll back to, so its rollout stays as it is. Move the tag to a good version, or "
        "retry one that was undone: `pennant.dev/retry` with its version.",
    )
    ARTIFACT_REFUSED = (
        "ArtifactRefused",
        "A rollout failed: an artefact was fetched and must not be served.",
        "The init container `pennant-fetch` of a new revision found an archive with a link, with a path that leads out "
        "of it or with too much content, a signature that is not valid, or more bytes than `delivery.sizeLimit`.",
        "The tag moves to another version, or the version is retried.",
        "Correct the artefact and register it as a new version, or change `spec.delivery`.",
        "1.1.0 failed: pod fraud-76959b5fd5-5qcql: artefact model is refused: weights.bin in the archive is no regular "
        "file, but a link; there is no verified revision to roll back to, so its rollout stays as it is. Move the tag "
        "to a good version, or retry one that was undone: `pennant.dev/retry` with its version.",
    )
    UNDONE = (
        "Undone",
        "A version was undone by a user.",
        "A user went back to an earlier revision by `pennant.dev/rollback-to` or by `kubectl rollout undo`.",
        "The tag moves to another version, or the version is retried.",
        "Move the tag to the version that should serve.",
        '1.1.0 was undone, 1.0.0 serves instead: undone by ada: wrong scores. Move the tag "production" to '
        "a fixed version, or retry: kubectl pennant retry fraud 1.1.0",
    )
    NOT_ROLLED_BACK = (
        "NotRolledBack",
        "The target version is not quarantined here, or is the current one.",
        "The target version is not in `status.quarantine`, or it keeps serving because there is no rollback target.",
        "It fails or is undone, and another version takes its place.",
        "No action needed.",
        "the target version is not quarantined",
    )
    NO_ROLLBACK_TARGET = (
        "NoRollbackTarget",
        "The current version failed, and there is no verified revision to roll back to. It keeps serving; if it never "
        "did, its rollout stays as it is, and what served before keeps its pods.",
        "Every other verified revision failed since, was undone, or is no longer in the history.",
        "The tag moves to another version.",
        "Move the tag to a good version, or retry one that was undone: `pennant.dev/retry` with its version.",
        "1.0.0 failed: accuracy is 0.1, below 0.9, in 3 of 3 checks; there is no verified revision to roll "
        "back to, so it keeps serving. Move the tag to a good version, or retry one that was undone: "
        "`pennant.dev/retry` with its version.",
    )
    QUARANTINED = (
        "Quarantined",
        "The target version failed here before, and no version serves.",
        "The ModelDeployment was created again while its target version was quarantined, and no other version was "
        "verified here.",
        "The tag moves to another version.",
        "Move the tag to a good version, or retry this one: `pennant.dev/retry` with its version.",
        "1.1.0 failed here before: accuracy is 0.78, below 0.9, in 3 of 3 checks; no version serves. Move "
        'the tag "production" to a fixed version, or retry: kubectl pennant retry fraud 1.1.0',
    )
    INVALID_SPEC = (
        "InvalidSpec",
        "The spec is invalid. The operator changes nothing.",
        "A field is invalid in a way that the schema does not refuse. The message names it.",
        "The spec is valid.",
        "Correct the field that the message names; for a ModelVersion, create a new one.",
        "spec.replicas: must be at least 0. Correct the field that the message names; for a ModelVersion, "
        "create a new one.",
    )
    NAME_CONFLICT = (
        "NameConflict",
        "A Deployment of this name exists that does not belong to this ModelDeployment. It is not changed.",
        "The Deployment has no owner reference to this ModelDeployment, and neither the history nor a "
        "ControllerRevision has its pod template.",
        "The Deployment is deleted, or gets the owner reference.",
        "Rename one of the two, or set `spec.adopt` to true to take the Deployment over. To keep one that was "
        "orphaned, restore its owner reference: kind, name and uid of this object, `controller: true`.",
        "Deployment fraud exists and does not belong to this ModelDeployment",
    )
    ADOPTION_WAITING = (
        "AdoptionWaiting",
        "`spec.adopt` is true, and the existing Deployment is not at rest yet.",
        "The rollout of the existing Deployment is not complete: not all of its pods have its newest pod template and "
        "are available.",
        "Its rollout is complete. The operator looks every 5 seconds.",
        "Wait for its rollout, or complete it: `kubectl rollout status deployment/NAME --namespace NAMESPACE`.",
        "the rollout of Deployment fraud is not complete: of 3 replicas 1 have its newest pod template and 3 are "
        "available, and there are 4 pods in all. Wait for its rollout, or complete it: `kubectl rollout status "
        "deployment/fraud --namespace default`.",
    )
    ADOPTION_BLOCKED = (
        "AdoptionBlocked",
        "`spec.adopt` is true, and the existing Deployment cannot be taken over as it is. It is not changed.",
        "The existing Deployment has an owner, its rollout is paused, or it has another number of replicas than "
        "`spec.replicas`. The message says which.",
        "The cause is removed, or `spec.adopt` is false. The operator looks again after half a minute at most.",
        "Do what the message says, or set `spec.adopt` to false to leave the Deployment alone.",
        "Deployment fraud has 3 replicas, and spec.replicas is 1. To keep its pods, set spec.replicas to 3 (kubectl "
        "scale modeldeployment fraud --namespace default --replicas=3)",
    )
    DEPLOYMENT_REFUSED = (
        "DeploymentRefused",
        "The API server refuses to store the Deployment, or the ControllerRevision of the next revision.",
        "Validation, a quota or an admission policy refuses it, or an admission webhook cannot be called; or the last "
        "revision number is used up, which only a forged status can cause. The message says which.",
        "It is stored. The operator tries again each minute, and sooner at first if a webhook cannot be called.",
        "Correct the field that the message names, or the quota, the policy or the webhook.",
        "the API server refuses ControllerRevision 2: exceeded quota",
    )
    TEMPLATE_REFUSED = (
        "TemplateRefused",
        "The API server refuses the Deployment of this spec in a dry run. Nothing of it is rolled out, and the current "
        "version keeps serving.",
        "Validation, a quota or an admission policy refuses it. The message names the field.",
        "The spec is corrected, or a dry run succeeds. The operator tries again each minute.",
        "Correct the field. `pennant lint` finds most of such errors before the manifest is applied.",
        "the API server refuses the Deployment of this spec: "
        'spec.template.spec.containers[name="server"].resorces: unknown field',
    )
    TEMPLATE_ACCEPTED = (
        "TemplateAccepted",
        "The API server accepts the Deployment of this spec.",
        "The Deployment was applied, or a dry run succeeded.",
        "The spec changes.",
        "No action needed.",
        "the API server accepts the Deployment of this spec",
    )
    DEPLOYMENT_ALTERED = (
        "DeploymentAltered",
        "The Deployment was stored with other values than the operator wrote.",
        "A value that the operator wrote, in the pod template or elsewhere, was changed or removed by admission. The "
        "message names the field. Values that others add do not count.",
        "It is stored as written. The operator tries again each minute.",
        "Find the admission webhook or policy that changes the field. Exempt the Deployment from it, or use its value "
        "in `spec.template`.",
        "the Deployment was stored, but spec.template.spec.containers[name=server].image is "
        '"mirror.example.com/server:1", but the operator wrote "registry.example.com/server:1". Exempt it '
        "from the admission policy that changes it, or use that value in spec.template",
    )
    WRITE_FAILING = (
        "WriteFailing",
        "A write has failed for a minute.",
        "The API server has answered a write with a server error, or not at all, for a minute; or it has refused for a "
        "minute what only repeats the status elsewhere: a quarantine mark on a ModelVersion, or progress on a "
        "ControllerRevision. A Service that is refused is reported at once. If the status itself cannot be written, an "
        "event reports it.",
        "It is written. The operator tries again each minute.",
        "Check the webhooks, quotas and request limits that apply to the object that the message names.",
        "the Deployment could not be written since 2026-11-03T14:20:31.870Z: too many requests",
    )
    ROLLED_BACK = (
        "RolledBack",
        "The target version is quarantined, and another version serves.",
        "The target version failed or was undone, and an earlier version took its place.",
        "The tag moves to another version, or the version is retried.",
        "Move the tag to a fixed version, or retry this one: `pennant.dev/retry` with its version.",
        "Rolled back from 1.1.0 to 1.0.0: accuracy is 0.78, below 0.9, in 3 of 3 checks. Move the tag "
        '"production" to a fixed version, or retry: kubectl pennant retry fraud 1.1.0',
    )
    VERIFIED = (
        "Verified",
        "The revision is verified.",
        "All enforced metrics passed for `analysis.bakeSeconds` after its rollout.",
        "A new revision becomes the current one, or the revision fails.",
        "No action needed.",
        "1.0.0 (revision 1) is verified",
    )
    REVISION_CREATED = (
        "RevisionCreated",
        "A revision was created and is about to be rolled out.",
        "The tag moved, the pod template changed, a command was given, or a rollback is due.",
        "Event only.",
        "No action needed.",
        "revision 2 serves 1.1.0: the tag production moved from 1.0.0 to 1.1.0",
    )
    ADOPTING = (
        "Adopting",
        "An existing Deployment is about to be taken over.",
        "`spec.adopt` is true, and the existing Deployment is at rest. The message says whether its pods keep running.",
        "Event only.",
        "No action needed.",
        "takes over Deployment fraud: its pods keep running. Its manifest is kept in ControllerRevision fraud-adopted",
    )
    ADOPTED = (
        "Adopted",
        "Objects were adopted: an existing Deployment by `spec.adopt`, or objects that had lost their owner reference.",
        "An existing Deployment was taken over; or ControllerRevisions or the Deployment were restored from a backup, "
        "or were orphaned when the ModelDeployment was deleted. The message names them.",
        "Event only.",
        "No action needed.",
        "adopted the Deployment fraud, which had no owner",
    )
    COMMAND_ACCEPTED = (
        "CommandAccepted",
        "A command that was given by annotations is carried out.",
        "The command is valid. `status.lastCommand` says what is done.",
        "Event only.",
        "No action needed.",
        "rollback-to 1.0.0: rolled back to 1.0.0 (revision 1)",
    )
    COMMAND_REFUSED = (
        "CommandRefused",
        "A command that was given by annotations is not carried out.",
        "The command is invalid, names something that does not exist, or was carried out before. `status.lastCommand` "
        "says why.",
        "Event only.",
        "Give a corrected command with a new `pennant.dev/requested-at`.",
        "retry 1.3.0: 1.3.0 is not quarantined. Quarantined versions: 1.1.0",
    )
    DRIFT_CORRECTED = (
        "DriftCorrected",
        "The Deployment was changed manually, and is corrected.",
        "Another field manager wrote a field that the operator owns, or the Deployment was deleted.",
        "Event only; the newest one stays in `status.drift`.",
        "Change the ModelDeployment instead. To go back to an earlier revision, use `kubectl rollout undo`, "
        "`pennant.dev/rollback-to` or the tag.",
        "kubectl-set changed spec.template.spec.containers[name=server].image; it is corrected",
    )
    ALIAS_MOVED = (
        "AliasMoved",
        "A version got a tag, because an alias of its registry moved to it.",
        "`pennant sync` is configured with `aliases`. The Event is on the ModelVersion.",
        "Event only; the annotation `alias.pennant.dev/<tag>` stays while the alias is there.",
        "No action needed. To serve another version, move the alias in the registry.",
        "got the tag production from churn-1, because the alias champion was moved to version 2 in the registry mlflow "
        "(MLflow)",
    )
    RELEASED = (
        "Released",
        "A version is no longer quarantined.",
        "The tag moved to another version, or the version was retried.",
        "Event only.",
        "No action needed.",
        "1.1.0 is no longer quarantined",
    )


ReasonWord = Annotated[Reason, ANY_WORD]
"""A reason in a status."""
