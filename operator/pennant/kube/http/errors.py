"""Responses of the API server as errors of the port."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pennant.api.meta import Json, clip
from pennant.ports import AdmissionFailed, Conflict, Ending, PortError, Refused, Unavailable

# The API server reports these errors of an applied manifest as 500; only the text distinguishes them from its own.
_MANIFEST_FAULTS = ("failed to create typed patch object", "failed to convert new object")
# An admission webhook may deny a request with any code.
_DENIED = re.compile(r'admission webhook "[^"]*" denied the request')
_TOO_LARGE = re.compile(r"too large|larger than max|ResourceExhausted", re.IGNORECASE)
_PATCHED_OBJECT = re.compile(r': Invalid value: "\{.*\}": ', re.DOTALL)
"""The whole object, which the API server quotes where a JSON patch makes one that it cannot read."""
_SECONDS = re.compile("[0-9]{1,6}", re.ASCII)
_NO_RESOURCE = "the server could not find the requested resource"
_NOT_ASKED = "Internal error occurred: failed calling webhook"


class Missing(Conflict):
    """The object does not exist."""


class NotServed(Unavailable):
    """The API server does not serve the kind: its CustomResourceDefinition is missing."""


class Forbidden(Unavailable):
    """The credentials do not permit this read; a role may be bound later."""


class TimedOut(Unavailable):
    """There was no response in time."""


class TooLarge(Unavailable):
    """The response is larger than the client accepts, or than the server can send."""


class Behind(Unavailable):
    """The API server's watch cache is older than the resourceVersion that is asked for, or that one does not exist."""


class Unauthenticated(Unavailable):
    """The credentials were refused; after a reload there may be others."""


class Throttled(Unavailable):
    """The API server asks to wait: the response has a Retry-After header."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        """Keep the seconds of the header."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


def parsed(body: bytes) -> Json:
    """Return the body as a JSON object; raises `Unavailable` where it is not one."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unavailable("the API server's answer is no JSON that can be read") from error
    if not isinstance(value, dict):
        raise Unavailable("the API server's answer is no JSON object")
    return value


def is_too_large(code: int, message: str) -> bool:
    """Return whether a list failed because of its size, so that a smaller page may succeed."""
    return code == 413 or (code >= 500 and _TOO_LARGE.search(message) is not None)


def failure(code: int, body: bytes, headers: Mapping[str, str]) -> PortError:
    """Return the error for a response other than 2xx, with the server's message."""
    status = _status(body)
    message = clip(_PATCHED_OBJECT.sub(": ", str(status.get("message") or f"HTTP {code}")))
    if code == 401:
        return Unauthenticated(message)
    if code == 404:
        # For an object that does not exist, the body is a Status that names it. For an unknown path it rarely is one.
        is_object = status.get("kind") == "Status" and message != _NO_RESOURCE
        return Missing(message) if is_object else NotServed(message)
    if code == 409 or _is_another_object(status):
        return Conflict(message)
    if _is_terminating(status):
        return Ending(message)
    if (code in (408, 410, 429) or code >= 500 or code < 400) and not _is_about_the_write(message):
        return _unavailable(status, message, headers.get("Retry-After", ""))
    return AdmissionFailed(message) if message.startswith(_NOT_ASKED) else Refused(message)


def _unavailable(status: Mapping[str, Any], message: str, retry_after: str) -> Unavailable:
    if _is_behind(status):
        return Behind(message)
    return Throttled(message, float(retry_after)) if _SECONDS.fullmatch(retry_after) else Unavailable(message)


def _is_about_the_write(message: str) -> bool:
    """Return whether a response with a server error's code concerns this write; only its text shows that."""
    return message.startswith((*_MANIFEST_FAULTS, _NOT_ASKED)) or _DENIED.match(message) is not None


def _status(body: bytes) -> Mapping[str, Any]:
    try:
        return parsed(body)
    except Unavailable:
        # A proxy responded; its text may be anything, so it is not repeated.
        return {}


def _is_another_object(status: Mapping[str, Any]) -> bool:
    """Return whether the object of this name has another uid; the API server reports that as 422 for a patch."""
    causes = (status.get("details") or {}).get("causes") or ()
    return any(each.get("field") == "metadata.uid" for each in causes)


def _is_behind(status: Mapping[str, Any]) -> bool:
    """Return whether the resourceVersion of a list is newer than the API server's watch cache."""
    causes = (status.get("details") or {}).get("causes") or ()
    return any(each.get("reason") == "ResourceVersionTooLarge" for each in causes)


def _is_terminating(status: Mapping[str, Any]) -> bool:
    """Return whether the namespace is being deleted."""
    causes = (status.get("details") or {}).get("causes") or ()
    return any(each.get("reason") == "NamespaceTerminating" for each in causes)
