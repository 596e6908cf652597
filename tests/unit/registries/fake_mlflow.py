"""An MLflow server: the answers of a real one, and faults before them."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from unit.http_server import serving

# Of MLflow 3.17.2 with a database of SQLite, for versions that its own client registered, and for one as clients of
# MLflow 2 register them. Only the name of the user is another one.
RECORDED: Mapping[str, Any] = json.loads(
    (Path(__file__).parent / "recorded" / "mlflow-3.17.2.json").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Answer:
    """One answer; `cut` bytes of it are not sent."""

    code: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0


def no_such(what: str) -> Answer:
    return Answer(404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"{what} not found"}))


@dataclass
class FakeMlflow:
    answers: dict[str, Any] = field(default_factory=lambda: dict(RECORDED))
    """By path and query; texts are files, other values JSON."""
    faults: deque[Answer] = field(default_factory=deque)
    """Given before anything else."""
    broken: dict[str, Answer] = field(default_factory=dict)
    """Given to each request whose path and query begin so."""
    asked: list[str] = field(default_factory=list)
    credentials: list[str | None] = field(default_factory=list)

    def reply(self, target: str) -> Answer:
        if self.faults:
            return self.faults.popleft()
        if (fault := next((each for start, each in self.broken.items() if target.startswith(start)), None)) is not None:
            return fault
        if target not in self.answers:
            return no_such(target)
        found = self.answers[target]
        return Answer(200, found if isinstance(found, str) else json.dumps(found))

    def change(self, start: str, **fields: Any) -> None:
        """Change fields of all versions in the lists that begin so."""
        for target in [each for each in self.answers if each.startswith(start)]:
            answer = self.answers[target]
            listed = [{**each, **fields} for each in answer["model_versions"]]
            self.answers[target] = {**answer, "model_versions": listed}


@contextmanager
def served(mlflow: FakeMlflow) -> Iterator[str]:
    """Serve on a free port of the loopback and yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            # Clients write a space as + or %20.
            query = urlencode(parse_qsl(url.query, keep_blank_values=True))
            target = url.path + (f"?{query}" if query else "")
            mlflow.asked.append(target)
            mlflow.credentials.append(self.headers.get("Authorization"))
            answer = mlflow.reply(target)
            body = answer.body.encode()
            self.send_response(answer.code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - answer.cut])
            if answer.cut:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        yield address
