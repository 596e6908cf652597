"""Condition types and reasons: a stable part of the API, each documented by the same four facts."""

from enum import StrEnum
from typing import Annotated, Self

from pennant.api.meta import ANY_WORD, Open


class Word(StrEnum):
    """A word of the API and what a reader must know of it."""

    means: str
    set_when: str
    cleared_when: str
    to_do: str

    def __new__(cls, word: str, means: str, set_when: str, cleared_when: str, to_do: str) -> Self:
        """Attach the four facts to the word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.means, member.set_when = means, set_when
        member.cleared_when, member.to_do = cleared_when, to_do
        return member

    @classmethod
    def of(cls, word: str) -> Self:
        """Return the member of this word; raises `KeyError` where there is none."""
        return {each.value: each for each in cls}[word]


class ConditionType(Word):
    """The conditions of a ModelDeployment."""

    READY = (
        "Ready",
        "The version that holds the tag is serving and healthy.",
        "All pods are of the version that holds the tag, and no metric is breached.",
        "Any other condition says that something is wrong or under way; reason and message are taken from it.",
        "Read the message.",
    )
    AVAILABLE = (
        "Available",
        "Some version is serving with its minimum of available pods.",
        "The Deployment says so.",
        "The Deployment has fewer available pods than it needs.",
        "Look at the pods: `kubectl describe pods -l pennant.dev/modeldeployment=NAME`.",
    )
    TAG_RESOLVED = (
        "TagResolved",
        "Exactly one version holds the tag.",
        "One valid ModelVersion of the model carries the tag.",
        "No version or more than one carries it.",
        "Put the tag on exactly one ModelVersion.",
    )
    RECONCILING = (
        "Reconciling",
        "A change is under way.",
        "A revision is being rolled out, or the tag is being moved.",
        "The rollout is complete, or a person must act.",
        "Wait; `kubectl wait --for=condition=Ready`.",
    )
    STALLED = (
        "Stalled",
        "A person must act.",
        "The operator can do nothing more by itself.",
        "The cause named by the reason is gone.",
        "Read the reason and the message.",
    )
    METRICS_HEALTHY = (
        "MetricsHealthy",
        "All metrics pass.",
        "Each metric's last checks are within its threshold.",
        "A metric is breached (False), or a metric gives no number (Unknown).",
        "Look at `status.analysis`.",
    )
    ROLLED_BACK = (
        "RolledBack",
        "The tag asks for a version that was found bad here, and another one is served.",
        "The version that holds the tag is in `status.quarantine`.",
        "The tag moves to another version, or the version is retried.",
        "Move the tag to a good version.",
    )
    VERIFIED = (
        "Verified",
        "The current revision is known good.",
        "It was available, and all its metrics passed, for `analysis.bakeSeconds` without a break.",
        "Another revision takes its place.",
        "While it is False, the reason says what the revision waits for; a rollback goes to verified revisions alone.",
    )
    SUSPENDED = (
        "Suspended",
        "Everything is left as it is.",
        "`spec.paused` is true.",
        "`spec.paused` is false.",
        "Set `spec.paused` to false when the rollout may go on.",
    )
    HISTORY_INTACT = (
        "HistoryIntact",
        "The history says what its records say, and the records hang together by their hashes.",
        "Each entry agrees with its ControllerRevision, whose hashes fit its content and the revision after it.",
        "A ControllerRevision is gone, or was made anew with another content.",
        "Find out who did it; the message names the revision.",
    )


class VersionConditionType(Word):
    """The conditions of a ModelVersion."""

    READY = (
        "Ready",
        "The record is valid: every field makes sense.",
        "The spec can be read as the schema describes it.",
        "A field is wrong; the message names it, and the mend.",
        "Create a new ModelVersion with the field mended.",
    )
    COMPLETE = (
        "Complete",
        "The record holds all that it takes to make the model again: nine elements.",
        "All nine elements are there.",
        "An element is missing (False; the message lists which), or the spec cannot be read (Unknown).",
        "To be complete is no duty, unless `promotion.requireComplete` asks for it; a new ModelVersion can hold more.",
    )


class Reason(Open, Word):
    """Why a condition, a metric or an event is what it is."""

    @classmethod
    def _described(cls, word: Self) -> Self:
        word.means = "A newer release of the operator knows what this word means."
        word.set_when = word.cleared_when = "That release says so."
        word.to_do = "Read the documentation of that release."
        return word

    SERVING = (
        "Serving",
        "The version that holds the tag takes all traffic.",
        "The rollout is complete and no metric is breached.",
        "Anything else is the case.",
        "Nothing.",
    )
    TAG_HELD = (
        "TagHeld",
        "Exactly one version holds the tag.",
        "One valid ModelVersion of the model carries the tag.",
        "The tag is moved.",
        "Nothing.",
    )
    TAG_UNASSIGNED = (
        "TagUnassigned",
        "No version of the model holds the tag.",
        "No ModelVersion of the model carries the tag; what serves goes on serving.",
        "A ModelVersion carries the tag.",
        "Put the tag on the version that should serve.",
    )
    TAG_AMBIGUOUS = (
        "TagAmbiguous",
        "More than one version of the model holds the tag.",
        "Two or more ModelVersions carry the tag; what serves goes on serving.",
        "Exactly one ModelVersion carries it.",
        "Take the tag from all versions but one.",
    )
    HOLDER_INVALID = (
        "HolderInvalid",
        "The version that holds the tag is not a valid record.",
        "The only ModelVersion that carries the tag cannot be read; the message names the field.",
        "A valid ModelVersion carries the tag.",
        "Create a corrected ModelVersion and move the tag to it.",
    )
    VERSION_PINNED = (
        "VersionPinned",
        "`spec.version` names the version, whatever its tags.",
        "`spec.version` is set, and a valid ModelVersion of that version exists.",
        "`spec.version` is taken away, or the ModelVersion is deleted.",
        "Nothing.",
    )
    VERSION_NOT_FOUND = (
        "VersionNotFound",
        "`spec.version` names a version that does not exist.",
        "No ModelVersion of the model has this version; what serves goes on serving.",
        "Such a ModelVersion is created, or `spec.version` is changed.",
        "Create the ModelVersion, or mend `spec.version`.",
    )
    NEWEST_OF_SEVERAL = (
        "NewestOfSeveral",
        "Several versions hold the tag, and the one of the highest semantic version counts.",
        "Two or more ModelVersions carry the tag, and `promotion.onAmbiguousTag` is Newest.",
        "Exactly one ModelVersion carries it.",
        "Nothing.",
    )
    PAUSED = (
        "Paused",
        "Nothing is changed until a person says so.",
        "`spec.paused` is true.",
        "`spec.paused` is false.",
        "Set `spec.paused` to false when the rollout may go on.",
    )
    NOT_PAUSED = (
        "NotPaused",
        "Rollouts and rollbacks happen by themselves.",
        "`spec.paused` is false.",
        "`spec.paused` is true.",
        "Nothing.",
    )
    HISTORY_CONSISTENT = (
        "HistoryConsistent",
        "Every entry agrees with its record, and the chain of hashes has no gap.",
        "The check finds nothing.",
        "It finds something.",
        "Nothing.",
    )
    HISTORY_TAMPERED = (
        "HistoryTampered",
        "Somebody changed what was recorded.",
        "As `HistoryIntact`: a ControllerRevision is gone, or is not what was recorded. As `Stalled`: it is that of "
        "the revision in place, which keeps serving and cannot be recorded anew; or without a status, nothing tells "
        "what was recorded. As an event: an entry of `status.history` did not say what its record says, and was "
        "restored from it.",
        "As `HistoryIntact`: the revision is beyond `historyLimit`. As `Stalled`: another revision is in place.",
        "Find out who may write status and ControllerRevisions; the message names the revision and the field. "
        "docs/security.md says what the hashes can show.",
    )
    STATUS_UNREADABLE = (
        "StatusUnreadable",
        "A part of the status cannot be read, so nothing is changed; what serves keeps serving.",
        "A field of the status that nothing else tells has a form that this release does not know; the message names "
        "it. Somebody wrote it, or a newer release of the operator did. Of a ModelVersion only an event says it.",
        "The status can be read again, or is removed.",
        "Run the release that wrote it, or remove the status by the command in the message: it is rebuilt from the "
        "ControllerRevisions.",
    )
    RECORD_INCOMPLETE = (
        "RecordIncomplete",
        "A version has no complete record; one that is asked for is then not rolled out, where that is required.",
        "One of the nine elements is missing; the message lists which. A ModelDeployment says it where "
        "`promotion.requireComplete` is true, a ModelVersion always.",
        "The tag moves to another version, or the requirement is taken away.",
        "Create a new ModelVersion with the missing elements and move the tag to it.",
    )
    RECORD_VALID = (
        "RecordValid",
        "The record of a version can be read.",
        "Every field of the spec is as the schema describes it.",
        "A field is wrong.",
        "Nothing.",
    )
    RECORD_COMPLETE = (
        "RecordComplete",
        "The record of a version holds all nine elements.",
        "None of the nine elements is missing.",
        "Never: a record cannot be changed.",
        "Nothing.",
    )
    GATE_FAILED = (
        "GateFailed",
        "The version that is asked for is worse by its record than the one in place, so it is not rolled out.",
        "A gate of `promotion.gates` does not pass; the message says which, with both numbers.",
        "The tag moves to another version, or the gate is changed.",
        "Compare the two records; move the tag back, or change the gate on purpose.",
    )
    ROLLBACK_BUDGET_EXHAUSTED = (
        "RollbackBudgetExhausted",
        "There were as many automatic rollbacks as `rollback.budget` allows.",
        "A version breaches, or a new one is asked for, and the budget is used up.",
        "The oldest of them is older than the window, or the budget is raised.",
        "Find out why versions keep failing; move the tag to a version known good, or raise the budget.",
    )
    ROLLBACK_COOLING_DOWN = (
        "RollbackCoolingDown",
        "A rollback is due and waits.",
        "The version in place breaches within `rollback.cooldownSeconds` after a rollback.",
        "The time is over; then it is rolled back if it still breaches.",
        "Wait, or undo.",
    )
    BREACH_PAUSED = (
        "BreachPaused",
        "The version in place was found bad, and the rollout is frozen where it is.",
        "A metric is breached or the rollout failed, and `rollback.action` is Pause.",
        "The tag moves on, the version is retried or undone, or the action is changed.",
        "Decide: undo, retry, or move the tag.",
    )
    MASS_BREACH_SUSPECTED = (
        "MassBreachSuspected",
        "So many different contents breach at once against one metric source that the source is not believed.",
        "As many contents breach by enforced metrics as the operator's setting `mass_breach_count` says, one of them "
        "known good before, and as large a share of the deployments that use the source, in all and in the namespace, "
        "as `mass_breach_percent` says.",
        "Fewer of them breach.",
        "Look after the metric source; if it is right, undo or move the tags by hand.",
    )
    ROLLOUT_IN_PROGRESS = (
        "RolloutInProgress",
        "Pods are being replaced.",
        "A revision is not completely rolled out.",
        "All pods are of the revision and available, or it has failed.",
        "Wait.",
    )
    ROLLBACK_IN_PROGRESS = (
        "RollbackInProgress",
        "Pods are being put back to a version known good.",
        "A metric was breached, or a rollout failed.",
        "All pods are of the earlier version and available.",
        "Wait; then see RolledBack.",
    )
    UP_TO_DATE = (
        "UpToDate",
        "No change is under way.",
        "The Deployment is what the newest revision says.",
        "A change begins.",
        "Nothing.",
    )
    NOT_STALLED = (
        "NotStalled",
        "No person needs to act.",
        "None of the reasons of Stalled holds.",
        "One of them holds.",
        "Nothing.",
    )
    MINIMUM_AVAILABLE = (
        "MinimumAvailable",
        "Enough pods are available.",
        "The Deployment's condition Available is True.",
        "Pods are lost.",
        "Nothing.",
    )
    PODS_UNAVAILABLE = (
        "PodsUnavailable",
        "Too few pods are available.",
        "The Deployment's condition Available is not True.",
        "Enough pods are available.",
        "Look at the pods.",
    )
    PODS_UNSCHEDULABLE = (
        "PodsUnschedulable",
        "No node takes the new pods. The version is not to blame, so it is not condemned.",
        "The scheduler finds no node for a pod of the current revision for `rollout.progressDeadlineSeconds`; the "
        "message has the scheduler's words.",
        "The pods are scheduled; the rollout then has its whole deadline again.",
        "Add nodes, free resources, or change what the pod template requests. "
        "`rollout.onUnschedulable: Rollback` rolls back instead.",
    )
    PODS_REFUSED = (
        "PodsRefused",
        "The API server refuses to create the new pods. The version is not to blame, so it is not condemned.",
        "A quota, a LimitRange or an admission policy refuses the pods of the current revision; the message has the "
        "API server's words.",
        "The pods are created; the rollout then has its whole deadline again.",
        "Raise the quota, or change the policy or the pod template.",
    )
    PODS_EVICTED = (
        "PodsEvicted",
        "The cluster takes the new pods from their nodes. The version is not to blame, so it is not condemned.",
        "A pod of the current revision was evicted, preempted or ended with its node, and none was available for "
        "`rollout.progressDeadlineSeconds`.",
        "A pod stays on its node; the rollout then has its whole deadline again.",
        "Look at the nodes; give the pods the requests and the priority that they need.",
    )
    PODS_NOT_STARTED = (
        "PodsNotStarted",
        "The new pods have nodes, and their containers do not start. The version is not to blame, so it is not "
        "condemned.",
        "No container of a pod of the current revision has started for `rollout.progressDeadlineSeconds`, or all its "
        "containers are ready and its node or a readiness gate is not.",
        "The containers start; the rollout then has its whole deadline again.",
        "Look at the pod's events (`kubectl describe pod`) and at the node.",
    )
    CONTROLLERS_AWAY = (
        "ControllersAway",
        "Kubernetes' own controllers do not act for the new pods. The version is not to blame, so it is not condemned.",
        "For `rollout.progressDeadlineSeconds` nobody created, scheduled or counted pods of the current revision.",
        "They are created and counted; the rollout then has its whole deadline again.",
        "Look after kube-controller-manager and kube-scheduler.",
    )
    SCALED_TO_ZERO = (
        "ScaledToZero",
        "There is no pod, because none is asked for.",
        "`spec.replicas` is 0. Nothing is verified and nothing fails meanwhile.",
        "It is scaled up; the deadline and the bake time then begin.",
        "Nothing.",
    )
    BAKING = (
        "Baking",
        "The current revision passes, and has not passed for long enough to be known good.",
        "It is rolled out, its pods are available and no metric speaks against it.",
        "`analysis.bakeSeconds` are over without a break, or there is a break.",
        "Wait.",
    )
    NOT_VERIFIED = (
        "NotVerified",
        "A revision does not become known good, so that a rollback could not go to it.",
        "Twice its bake time is over; the message says what it waits for.",
        "Event only; see the condition Verified.",
        "Correct the query or the metric source that the message names. Where a series exists only while something is "
        "wrong, write `or vector(0)` or set `onNoData`.",
    )
    REINSTATED = (
        "Reinstated",
        "A revision that had failed is known good after all.",
        "Its rollout took longer than the deadline, nothing took its place, and it has passed its bake time since.",
        "Event only.",
        "Raise `rollout.progressDeadlineSeconds`.",
    )
    ROLLBACK_DID_NOT_HELP = (
        "RollbackDidNotHelp",
        "The version that was gone back to breaches the same metric, so the version is not the cause. Nothing more is "
        "rolled back, and nothing more is condemned.",
        "A version that was known good breaches the metric of the rollback before it is known good again, and there "
        "were `rollback.limit` automatic rollbacks in a row.",
        "The metric passes, or the tag moves.",
        "Look for what both versions depend on: data, features, traffic, other services.",
    )
    ROLLBACK_LIMIT_REACHED = (
        "RollbackLimitReached",
        "As many automatic rollbacks followed each other as `rollback.limit` allows, and none of the versions became "
        "known good.",
        "The version that was gone back to fails in another way than the one before.",
        "It passes, or the tag moves.",
        "Look at the message; move the tag, or raise `rollback.limit`.",
    )
    SURGE_NEEDS_ROOM = (
        "SurgeNeedsRoom",
        "A rollout starts a second pod that may find no GPU or no volume.",
        "There is one replica, `rollout.maxSurge` is not 0, and the pod template requests a device such as "
        "`nvidia.com/gpu`, or mounts a PersistentVolumeClaim.",
        "Event only.",
        "Set `rollout.maxSurge: 0` and `rollout.maxUnavailable: 1` where there is no second one.",
    )
    NOT_DEPLOYED = (
        "NotDeployed",
        "Nothing is served yet.",
        "There is no Deployment.",
        "The first revision is rolled out.",
        "See TagResolved.",
    )
    METRICS_PASSING = (
        "MetricsPassing",
        "Every enforced metric passes.",
        "The last checks of each enforced metric pass.",
        "A metric is breached or unknown.",
        "Nothing.",
    )
    NO_METRICS = (
        "NoMetrics",
        "No enforced metric is configured, so none can be breached.",
        "`spec.analysis.metrics` is empty, or all of its metrics have the mode Observe.",
        "An enforced metric is added.",
        "Add the metric that tells a good version from a bad one.",
    )
    AWAITING_FIRST_CHECK = (
        "AwaitingFirstCheck",
        "The revision is too young to be measured.",
        "The revision has no available pod, or `initialDelaySeconds` and the first interval are not over, or samples "
        "from before the revision may still be in the range of the query (`settleSeconds`).",
        "The first check is done.",
        "Wait.",
    )
    WITHIN_THRESHOLD = (
        "WithinThreshold",
        "The metric is within its threshold.",
        "Fewer than `breaches.count` of the last `breaches.of` checks are breaches.",
        "More of them are, or no number comes.",
        "Nothing.",
    )
    THRESHOLD_BREACHED = (
        "ThresholdBreached",
        "The metric is out of its threshold.",
        "`breaches.count` of the last `breaches.of` checks are breaches.",
        "The checks pass again, or another revision is in place.",
        "See RolledBack; find out what is wrong with the version.",
    )
    WORSE_THAN_STABLE = (
        "WorseThanStable",
        "The metric is much worse than that of the last version known good.",
        "`breaches.count` of the last checks are further from what the stable version had before than `compareTo` "
        "allows.",
        "The checks pass again, or another revision is in place.",
        "See RolledBack; compare the two versions.",
    )
    NOTHING_TO_COMPARE = (
        "NothingToCompare",
        "There is no other version known good that the metric could be compared with.",
        "The metric has `compareTo`, and the revision is the first one, or is known good itself.",
        "Another version is known good.",
        "Nothing.",
    )
    NO_BASELINE = (
        "NoBaseline",
        "There is no number of the stable version to compare with.",
        "The query gave no number, or more than one series, for the stable version while it served.",
        "The next revision begins.",
        "Check that the query gives one series for the stable version; a threshold besides would still protect.",
    )
    TOO_FEW_SAMPLES = (
        "TooFewSamples",
        "The check rests on too few samples to say anything.",
        "`minimumSamples.query` gave less than `minimumSamples.count`.",
        "Enough samples come.",
        "Wait for traffic, or lower `minimumSamples.count`.",
    )
    ALERT_FIRING = (
        "AlertFiring",
        "An alert fires that speaks against the revision.",
        "An alert with the labels of `alert.matchLabels` fires, and it began after the revision did, or after the "
        "revision was available where no label names the revision.",
        "It fires no longer, or another revision is in place.",
        "See RolledBack; follow the alert's runbook.",
    )
    NO_ALERT_FIRING = (
        "NoAlertFiring",
        "No alert speaks against the revision.",
        "An alert of this name is defined, as far as the metric source tells, and none with these labels fires.",
        "One fires.",
        "Nothing.",
    )
    ALERT_FIRING_BEFORE = (
        "AlertFiringBefore",
        "An alert fires since before the revision, so nobody knows whether the revision gives it a reason.",
        "An alert with the labels that are asked for fires, and it began before the revision did, or before the "
        "revision was available where no label names the revision.",
        "It fires no longer; one that begins afterwards speaks against the revision.",
        "Follow the alert's runbook; give the alert a label with the version, so that each version has its own.",
    )
    ALERT_UNKNOWN = (
        "AlertUnknown",
        "Nobody has defined an alert of this name.",
        "The metric source lists its alerting rules, and none has this name.",
        "It lists one of this name.",
        "Correct the name, which is no regular expression, or load the rule. Where the rules are evaluated by another "
        "server, set `listsRules: false` for the source in the operator's configuration.",
    )
    NO_DATA = (
        "NoData",
        "The query gave no sample for the last check.",
        "The result is empty, or its sample is older than two intervals.",
        "A sample comes.",
        "Check the query, its labels, and that the pods are scraped; the message says which label no series has. Where "
        "no series means that all is well, such as no errors, add `or vector(0)` or set `onNoData: Pass`.",
    )
    NOT_A_NUMBER = (
        "NotANumber",
        "The query gave NaN or an infinite value, for instance a ratio without traffic.",
        "The last sample is not finite.",
        "A finite sample comes.",
        "Guard the query against a division by zero, or send traffic.",
    )
    MULTIPLE_SERIES = (
        "MultipleSeries",
        "The query gave more than one series, so that no single value can be compared.",
        "The result has two or more series.",
        "The query gives one series.",
        "Aggregate in the query, for instance with `sum(...)`.",
    )
    SOURCE_UNAVAILABLE = (
        "SourceUnavailable",
        "The metric source cannot be asked.",
        "It does not answer, answers with a server error, or its answer cannot be read.",
        "It answers.",
        "Look after the metric source; nothing is rolled back meanwhile.",
    )
    SOURCE_SLOW = (
        "SourceSlow",
        "The metric source is too slow for the interval, so nobody knows whether the metric passes.",
        "No answer came for two intervals, or the last one took longer than that. A breach that such an answer shows "
        "counts all the same.",
        "An answer comes within two intervals.",
        "Raise `analysis.intervalSeconds`, make the query cheaper by a recording rule, or raise `concurrentQueries` of "
        "the source.",
    )
    SOURCE_PARTIAL = (
        "SourcePartial",
        "The metric source says that its answer is not the whole of it.",
        "It marks the answer as partial, or warns of something else than the query, such as a store that did not "
        "answer.",
        "It gives a whole answer.",
        "Look after the parts of the metric source: the stores of Thanos, the storage nodes of VictoriaMetrics.",
    )
    SOURCE_UNKNOWN = (
        "SourceUnknown",
        "No metric source of this name is configured.",
        "`prometheus.source` is not in the operator's configuration.",
        "It is.",
        "Use a configured name, or add the source to the operator's configuration.",
    )
    QUERY_REFUSED = (
        "QueryRefused",
        "The metric source refuses the query.",
        "It answers 4xx, for instance because of a PromQL error.",
        "The query is mended.",
        "Try the query in Prometheus.",
    )
    METRIC_BREACH = (
        "MetricBreach",
        "A version was found bad by its metrics.",
        "A metric was breached while the version was in place.",
        "The tag moves to another version.",
        "Mend the model and move the tag to the new version.",
    )
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "A version did not become available in time.",
        "The Deployment made no progress for `rollout.progressDeadlineSeconds`.",
        "The tag moves to another version.",
        "Look at the pods' events and logs.",
    )
    UNDONE = (
        "Undone",
        "A person went back to an earlier revision.",
        "A version was undone by the annotation `pennant.dev/rollback-to` or by `kubectl rollout undo`.",
        "The tag moves to another version, or the version is retried.",
        "Move the tag to the version that should serve.",
    )
    NOT_ROLLED_BACK = (
        "NotRolledBack",
        "The version that holds the tag is not quarantined here.",
        "It is not in `status.quarantine`.",
        "It is found bad.",
        "Nothing.",
    )
    NO_ROLLBACK_TARGET = (
        "NoRollbackTarget",
        "The version in place is bad, and no other version is known good.",
        "No revision that was verified is left that neither failed nor was undone; the current version keeps serving.",
        "The tag moves to another version.",
        "Move the tag to a good version, or retry one that was undone: `pennant.dev/retry` with its version.",
    )
    QUARANTINED = (
        "Quarantined",
        "The version that holds the tag was found bad here before, and nothing is served.",
        "The ModelDeployment was created anew while its version was still quarantined.",
        "The tag moves to another version.",
        "Move the tag to a good version.",
    )
    INVALID_SPEC = (
        "InvalidSpec",
        "The spec cannot be read; nothing is changed.",
        "A field is wrong in a way that the schema does not refuse; the message names it.",
        "The spec is mended.",
        "Mend the field that the message names; of a ModelVersion, in a new one.",
    )
    NAME_CONFLICT = (
        "NameConflict",
        "A Deployment of this name exists that is not ours; it is not touched.",
        "The Deployment has no owner reference to this ModelDeployment, and neither the history nor a record tells "
        "that it was its own.",
        "It is deleted, or given to this ModelDeployment.",
        "Rename one of the two. To go on with a Deployment that was orphaned, write the owner reference that it had: "
        "the kind, name and uid of this object, `controller: true` and `blockOwnerDeletion: true`.",
    )
    DEPLOYMENT_REFUSED = (
        "DeploymentRefused",
        "The Deployment, or the record of its revision, cannot be written.",
        "Validation, a quota or an admission policy refuses it, an admission webhook cannot be called, or there is no "
        "number left for another revision, which only a status that others wrote can bring about; the message says "
        "which.",
        "It is accepted; it is tried again each minute, and sooner at first where a webhook cannot be called.",
        "Mend `spec.template`, the quota, the policy or the webhook; without a number, create a ModelDeployment of "
        "another name.",
    )
    DEPLOYMENT_ALTERED = (
        "DeploymentAltered",
        "The Deployment was written, and what is stored is not what was asked for.",
        "A value of the pod template, or of the rest of the Deployment, is another one than was written, or is "
        "missing; the message names the field. What others add is no such difference.",
        "It is stored as it is asked for; it is written again each minute.",
        "Find the admission webhook or policy that changes the field: exempt the Deployment from it, or write into "
        "`spec.template` what it wants.",
    )
    WRITE_FAILING = (
        "WriteFailing",
        "A write has failed for a minute.",
        "The API server has answered a write with an error of its own, or not at all, for a minute, or refused for a "
        "minute what repeats the status elsewhere: a mark on a ModelVersion or a note on a ControllerRevision. Where "
        "the status itself is not taken, an Event says so.",
        "It is written; it is tried again each minute.",
        "The message names what is not written, with the words of the API server: look after webhooks, quotas and "
        "limits of requests that concern it.",
    )
    ROLLED_BACK = (
        "RolledBack",
        "The version that holds the tag was rolled back.",
        "A metric was breached or the rollout failed, and an earlier version serves again.",
        "The tag moves to another version.",
        "Move the tag to a good version.",
    )
    VERIFIED = (
        "Verified",
        "A revision is known good.",
        "All metrics passed for `analysis.bakeSeconds` after its rollout.",
        "Event only.",
        "Nothing.",
    )
    REVISION_CREATED = (
        "RevisionCreated",
        "A revision was recorded and is about to be rolled out.",
        "The tag moved, or the template changed.",
        "Event only.",
        "Nothing.",
    )
    ADOPTED = (
        "Adopted",
        "What belonged to this ModelDeployment, and lost its owner, belongs to it again.",
        "ControllerRevisions, or the Deployment, came back from a backup, or were orphaned when the ModelDeployment "
        "was deleted; the message names them.",
        "Event only.",
        "Nothing.",
    )
    COMMAND_ACCEPTED = (
        "CommandAccepted",
        "A command given by annotations is carried out.",
        "The command makes sense; `status.lastCommand` says what is done.",
        "Event only.",
        "Nothing.",
    )
    COMMAND_REFUSED = (
        "CommandRefused",
        "A command given by annotations cannot be carried out.",
        "The command names something that is not there or not possible; `status.lastCommand` says what.",
        "Event only.",
        "Give a corrected command with a new `pennant.dev/requested-at`.",
    )
    DRIFT_CORRECTED = (
        "DriftCorrected",
        "The Deployment was changed by somebody else and is put right.",
        "A field that the operator owns was written by another field manager, or the Deployment was deleted.",
        "Event only; the newest one stays in `status.drift`.",
        "Change the ModelDeployment instead; to go back, use `kubectl rollout undo` or the tag.",
    )
    RELEASED = (
        "Released",
        "A content is no longer quarantined.",
        "The tag moved to another version, or the version was retried.",
        "Event only.",
        "Nothing.",
    )


ReasonWord = Annotated[Reason, ANY_WORD]
"""A reason in a status."""
