"""A stand-in for a model server: it serves what a test wrote into files named after its version.

`<directory>/<version>.accuracy` holds the value of its metric; without the file it has none.
While `<directory>/<version>.unready` exists it is not ready. While `<directory>/<version>.crash` exists it ends at its
start with exit code 3.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    version: Path

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self.answer(200, self.metrics())
        elif self.version.with_name(self.version.name + ".unready").exists():
            self.answer(503, "not ready\n")
        else:
            self.answer(200, "ready\n")

    def metrics(self) -> str:
        value = self.version.with_name(self.version.name + ".accuracy")
        return f"# TYPE model_accuracy gauge\nmodel_accuracy {value.read_text()}\n" if value.exists() else "\n"

    def answer(self, code: int, text: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing: a test reads its own logs."""


if __name__ == "__main__":
    host, version = sys.argv[1:]
    if Path(f"{version}.crash").exists():
        sys.exit(3)
    Handler.version = Path(version)
    ThreadingHTTPServer((host, 8080), Handler).serve_forever()
