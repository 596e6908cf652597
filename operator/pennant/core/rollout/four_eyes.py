"""Four eyes on `spec.version`: the user who created a version does not choose it.

An admission policy cannot see the version that `spec.version` names, which may also be created later. So the policy is
about tags only, and the operator compares the users that the API server recorded.

Rule: R156.
"""

from pennant.api.reasons import Reason
from pennant.core.facts.observation import Version
from pennant.core.rollout.pass_state import Blocked, Pass


def blocked(at: Pass, version: Version) -> Blocked | None:
    """Return why the version that `spec.version` names must not be rolled out; None: it may be.

    A content that serves already keeps serving. If one of the two users is not recorded, the version is not blocked.
    """
    if not at.observation.four_eyes or at.spec.version is None or not version.creator:
        return None
    if version.creator != at.snapshot.users.version or (at.active is not None and at.active.digest == version.digest):
        return None
    said = f"{version.creator} created {version.version} and set spec.version to it, so somebody else must choose it"
    return Blocked(version.version, Reason.FOUR_EYES, said)
