"""What an answer of the API server means in the words of the port."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pennant.api.meta import Json, clip
from pennant.ports import AdmissionFailed, Conflict, Ending, PortError, Refused, Unavailable

# A mistake in an applied manifest comes as 500, like a fault of the server; only the text tells them apart.
_MANIFEST_FAULTS = ("failed to create typed patch object", "failed to convert new object")
# So do admission webhooks: one that says no may do so by any code, and one that cannot be asked makes the write fail.
_DENIED = re.compile(r'admission webhook "[^"]*" denied the request')
_TOO_LARGE = re.compile(r"too large|larger than max|ResourceExhausted", re.IGNORECASE)
_SECONDS = re.compile("[0-9]{1,6}", re.ASCII)
_NO_RESOURCE = "the server could not find the requested resource"
_NOT_ASKED = "Internal error occurred: failed calling webhook"


class Missing(Conflict):
    """The object is not there, or not any more."""


class NotServed(Unavailable):
    """The API server does not know the kind: it has no CustomResourceDefinition, or none any more."""


class Forbidden(Unavailable):
    """The credentials do not permit this read; a role may be bound later."""


class TimedOut(Unavailable):
    """No answer came in time."""


class TooLarge(Unavailable):
    """The answer is larger than what was asked for may be, or than the server can give."""


class Unauthenticated(Unavailable):
    """The credentials are not accepted; others may be."""


class Throttled(Unavailable):
    """The API server asks to wait."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        """Keep the time that the server asks for."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


def parsed(body: bytes) -> Json:
    """Return the JSON object; raises `Unavailable` where the body is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unavailable("the API server's answer is no JSON that can be read") from error
    if not isinstance(value, dict):
        raise Unavailable("the API server's answer is no JSON object")
    return value


def is_too_large(code: int, message: str) -> bool:
    """Return whether the server says of a list that less of it can be had."""
    return code == 413 or (code >= 500 and _TOO_LARGE.search(message) is not None)


def failure(code: int, body: bytes, headers: Mapping[str, str]) -> PortError:
    """Return the error that an answer other than 2xx stands for, with the server's own message."""
    status = _status(body)
    message = clip(str(status.get("message") or f"HTTP {code}"))
    retry_after = headers.get("Retry-After", "")
    if code == 401:
        return Unauthenticated(message)
    if code == 404:
        # Of an object that is not there the API server says so; where it knows no such path, a Status is rare.
        is_object = status.get("kind") == "Status" and message != _NO_RESOURCE
        return Missing(message) if is_object else NotServed(message)
    if code == 409 or _is_another_object(status):
        return Conflict(message)
    if _is_terminating(status):
        return Ending(message)
    if (code in (408, 410, 429) or code >= 500 or code < 400) and not _is_about_the_write(message):
        return Throttled(message, float(retry_after)) if _SECONDS.fullmatch(retry_after) else Unavailable(message)
    return AdmissionFailed(message) if message.startswith(_NOT_ASKED) else Refused(message)


def _is_about_the_write(message: str) -> bool:
    """Whether an answer by a code of a server's fault speaks of this very write; only its text tells."""
    return message.startswith((*_MANIFEST_FAULTS, _NOT_ASKED)) or _DENIED.match(message) is not None


def _status(body: bytes) -> Mapping[str, Any]:
    try:
        return parsed(body)
    except Unavailable:
        # A proxy in between answers in its own way; its text is not ours to repeat.
        return {}


def _is_another_object(status: Mapping[str, Any]) -> bool:
    """Whether the object of this name has another uid: for an apply the server calls that invalid."""
    causes = (status.get("details") or {}).get("causes") or ()
    return any(each.get("field") == "metadata.uid" for each in causes)


def _is_terminating(status: Mapping[str, Any]) -> bool:
    """Whether the namespace is being deleted: what was to be written there is about to go as well."""
    causes = (status.get("details") or {}).get("causes") or ()
    return any(each.get("reason") == "NamespaceTerminating" for each in causes)
