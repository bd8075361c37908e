"""A server on this machine that stands for the homes of texts, with every way to answer badly."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Home:
    """Files by path, and the faults of the next answers for a path, each used once."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    """`truncated`, `corrupted`, `longer` (a Content-Length above what comes), `range-ignored`, or a status such as
    `503` or `429 7` with the seconds to wait."""
    tag: str = '"one"'
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers of every request."""

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


@contextmanager
def serving() -> Iterator[Home]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            home.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            waiting = home.faults.get(self.path, [])
            fault, _, wait = (waiting.pop(0) if waiting else "").partition(" ")
            data = home.files.get(self.path)
            if fault.isdigit() or data is None:
                self.send_response(int(fault or 404))
                self.send_header("Content-Length", "0")
                if wait:
                    self.send_header("Retry-After", wait)
                self.end_headers()
                return
            if fault == "corrupted":
                data = bytes(byte ^ 1 for byte in data)
            begin = 0
            asked = self.headers.get("Range")
            if asked and fault != "range-ignored" and self.headers.get("If-Range", home.tag) == home.tag:
                begin = int(asked.removeprefix("bytes=").rstrip("-"))
                if begin >= len(data):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(data)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
            rest = data[begin:]
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(rest) + 10 * (fault == "longer")))
            self.send_header("ETag", home.tag)
            self.end_headers()
            self.wfile.write(rest[: len(rest) // 2] if fault == "truncated" else rest)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    home = Home(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield home
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
