"""A version that was deleted and created again, under the same name and with another content.

A ModelVersion cannot be changed, but a user who may delete it can create another one of its name. A tag is deleted with
the version, and a user must put it on the new one. `spec.version` only has the name, so without this gate the new
content would be rolled out although nobody chose it.

Rule: R155.
"""

from pennant.api.reasons import Reason
from pennant.core.facts.observation import Version
from pennant.core.rollout.pass_state import Blocked, Pass


def blocked(at: Pass, version: Version) -> Blocked | None:
    """Return why the version that `spec.version` names must not be rolled out; None: it is the one that was.

    Also a content that was verified here before is blocked: nobody has chosen it under this name.
    """
    if at.spec.version is None or not is_replaced(at, version):
        return None
    said = f"{version.version} was deleted and created again{_by(version)} with another content"
    return Blocked(version.version, Reason.VERSION_REPLACED, said)


def is_replaced(at: Pass, version: Version) -> bool:
    """Return whether the newest revision of the version with this name has another content."""
    newest = next((each for each in reversed(at.history) if each.version == version.version), None)
    return newest is not None and newest.digest != version.digest


def _by(version: Version) -> str:
    if version.creator:
        return f" by the user {version.creator}"
    return f" by {version.created_by} (field manager)" if version.created_by else ""
