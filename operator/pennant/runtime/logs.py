"""Log lines: facts with keys, for people or as JSON, one line each.

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
LONGEST = 4096
"""Characters of a message, of a fact, and of each line of a traceback."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(log_format: LogFormat, level: LogLevel) -> None:
    """Send all log lines to standard error in this format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else ConsoleFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # kopf says a line for every event that it hears.
    for name in ("kopf", "aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    served = logging.getLogger("aiohttp.server")
    served.removeFilter(without_the_request)
    served.addFilter(without_the_request)


class RequestFailed(Exception):
    """Stands for an error in its traceback; the message is the kind of the error alone."""


def without_the_request(record: logging.LogRecord) -> bool:
    """Take the words of a request from what aiohttp logs about it: its errors quote them, tokens included."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        trace, kind = error.__traceback__, type(error).__name__
        record.exc_info, record.exc_text = (RequestFailed, RequestFailed(kind), trace), None
        if isinstance(error, HttpProcessingError | RequestPayloadError):
            # Whoever asked made a mistake, and no line of this program did.
            record.exc_info = None
            record.error = kind
    return True


def explain(task: asyncio.Task[Any]) -> None:
    """Say why a part of the process ended."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, LeaseLost):
        _log.error("No longer leading: %s", error, extra={"part": task.get_name()})
    elif error is not None:
        _log.error("A part ended by an error", exc_info=error, extra={"part": task.get_name()})
    else:
        _log.error("A part ended", extra={"part": task.get_name()})


def _facts(record: logging.LogRecord) -> dict[str, str]:
    return {name: clip(str(value), LONGEST) for name, value in vars(record).items() if name not in _STANDARD}


def _shown(traceback: str) -> str:
    return "\n".join(clip(each, LONGEST) for each in traceback.split("\n"))


def _time(record: logging.LogRecord) -> str:
    return rfc3339(datetime.fromtimestamp(record.created, UTC))


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        message = clip(record.getMessage(), LONGEST)
        line = {"time": _time(record), "level": record.levelname, "logger": record.name, "message": message}
        line |= _facts(record)
        if record.exc_info:
            line["traceback"] = _shown(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class ConsoleFormatter(logging.Formatter):
    """Time, level, message and then the facts as `key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and a traceback below it where there is one."""
        facts = "".join(f" {name}={json.dumps(value, ensure_ascii=False)}" for name, value in _facts(record).items())
        line = f"{_time(record)} {record.levelname:<7} {clip(record.getMessage(), LONGEST)}{facts}"
        return f"{line}\n{_shown(self.formatException(record.exc_info))}" if record.exc_info else line
