"""A minimal schema registry: the calls that Confluent's serializers make."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar


class _Handler(BaseHTTPRequestHandler):
    schemas: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        name = self.path.split("?")[0].rpartition("/")[2]
        number = int(name) if name.isdigit() else 0
        if 1 <= number <= len(self.schemas):
            self._answer(200, {"schema": self.schemas[number - 1]})
        else:
            self._answer(404, {"error_code": 40403, "message": "Schema not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["schema"] not in self.schemas:
            self.schemas.append(body["schema"])
        number = self.schemas.index(body["schema"]) + 1
        self._answer(200, {"id": number, "version": 1, "subject": "s", "schema": body["schema"]})

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def schema_registry(port: int = 0) -> Iterator[str]:
    """Serve on a free port, or the one that is given; its URL. All registries of a process share their schemas."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
