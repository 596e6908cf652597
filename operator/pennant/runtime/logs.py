"""Log lines with structured fields, one line each, as text or JSON, on standard error.

Rule: R100.
Rule: R101.
"""

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

from pennant.api.meta import clip, rfc3339
from pennant.runtime.leader_election import LeaseLost
from pennant.runtime.settings import LogFormat, LogLevel

_log = logging.getLogger(__name__)
MAX_LENGTH = 4096
"""Characters of a message, of a field, and of each line of a traceback."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(log_format: LogFormat, level: LogLevel) -> None:
    """Write all log records of this level and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else ConsoleFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # kopf logs every event at INFO.
    for name in ("kopf", "aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    server = logging.getLogger("aiohttp.server")
    server.removeFilter(redact_request)
    server.addFilter(redact_request)


class RequestFailed(Exception):
    """Takes the place of an error in a traceback; its message is the type of that error."""


def redact_request(record: logging.LogRecord) -> bool:
    """Remove the text of a request from a record of aiohttp's server, whose errors quote headers; return True."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        trace, kind = error.__traceback__, type(error).__name__
        record.exc_info, record.exc_text = (RequestFailed, RequestFailed(kind), trace), None
        if isinstance(error, HttpProcessingError | RequestPayloadError):
            # A malformed request; a traceback through aiohttp explains nothing.
            record.exc_info = None
            record.error = kind
    return True


def log_end(task: asyncio.Task[Any]) -> None:
    """Log why a task of the process ended."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, LeaseLost):
        _log.error("No longer leading: %s", error, extra={"task": task.get_name()})
    elif error is not None:
        _log.error("A task failed", exc_info=error, extra={"task": task.get_name()})
    else:
        _log.error("A task ended", extra={"task": task.get_name()})


def _fields(record: logging.LogRecord) -> dict[str, str]:
    return {name: clip(str(value), MAX_LENGTH) for name, value in vars(record).items() if name not in _STANDARD}


def _clipped(traceback: str) -> str:
    return "\n".join(clip(each, MAX_LENGTH) for each in traceback.split("\n"))


def _time(record: logging.LogRecord) -> str:
    return rfc3339(datetime.fromtimestamp(record.created, UTC))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, the fields, and `traceback` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        message = clip(record.getMessage(), MAX_LENGTH)
        line = {"time": _time(record), "level": record.levelname, "logger": record.name, "message": message}
        line |= _fields(record)
        if record.exc_info:
            line["traceback"] = _clipped(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class ConsoleFormatter(logging.Formatter):
    """Time, level, message, and the fields as `name="value"`; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text."""
        fields = "".join(f" {name}={json.dumps(value, ensure_ascii=False)}" for name, value in _fields(record).items())
        line = f"{_time(record)} {record.levelname:<7} {clip(record.getMessage(), MAX_LENGTH)}{fields}"
        return f"{line}\n{_clipped(self.formatException(record.exc_info))}" if record.exc_info else line
