"""Requests over HTTP: one at a time, with a name, a pause between two, and faults in words."""

import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import IO, Any
from urllib.parse import urlsplit

from epigone import __version__
from epigone.errors import UserError

AGENT = f"epigone/{__version__} (Python package for small text models; fetches single files, with pauses)"
PAUSE = 2.0
"""Seconds between two requests to one host, which Project Gutenberg asks of programs."""
TIMEOUT = 30.0
"""Seconds without a byte after which a connection is given up."""
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_MISSING = {404, 410}


class NotThere(UserError):
    """There is no such file at an address."""


class Unreachable(UserError):
    """A host does not answer at all."""


class Passing(Exception):
    """A fault that another try may not meet."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        """Keep the reason, to follow "because", and the seconds that the host asks to wait."""
        super().__init__(reason)
        self.wait = wait


class NoRest(Passing):
    """The host has no rest of a file from a place on, so it must be fetched from its beginning."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but none that leaves an encrypted connection."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise UserError(f"{req.full_url} leads to {newurl}, which is not encrypted, so it was not followed.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Web:
    """Answers to requests over HTTP and HTTPS, and over nothing else."""

    def __init__(self) -> None:
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
            urllib.request.HTTPDefaultErrorHandler, _Redirects, urllib.request.HTTPErrorProcessor,
        ):  # fmt: skip
            self._opener.add_handler(handler())
        self._last: dict[str, float] = {}

    @contextmanager
    def open(self, address: str, headers: Mapping[str, str]) -> Iterator[Any]:
        """Ask for a file; what is read of the answer within the block may fail as the request may.

        Args:
            address: an http or https address.
            headers: of the request, besides the name of the program.

        Raises:
            NotThere: the host has no such file.
            Unreachable: the host does not answer.
            Passing: another try may help.
            UserError: the host refuses for good, or the address is none.
        """
        self._pause(host(address))
        request = urllib.request.Request(address, headers={"User-Agent": AGENT, "Accept-Encoding": "identity"})
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                if packed := answer.headers.get("Content-Encoding", "identity").replace("identity", ""):
                    raise UserError(
                        f"{address} comes packed as {packed}, which was not asked for; choose another --mirror."
                    )
                yield answer
        except urllib.error.HTTPError as error:
            error.close()
            raise _refused(address, error) from error
        except urllib.error.URLError as error:  # before there was an answer
            if isinstance(error.reason, TimeoutError):
                raise Unreachable(f"{host(address)} does not answer within {TIMEOUT:.0f} s.") from error
            raise _failed(address, error.reason) from error
        except (OSError, http.client.HTTPException) as error:
            raise _failed(address, error) from error

    def _pause(self, name: str) -> None:
        """Wait until the pause since the last request to a host is over."""
        left = self._last.get(name, -PAUSE) + PAUSE - time.monotonic()
        if name in self._last and left > 0:
            time.sleep(left)
        self._last[name] = time.monotonic()


def host(address: str) -> str:
    """The host of an address.

    Raises:
        UserError: it is no http or https address.
    """
    try:
        parts = urlsplit(address)
        name = parts.hostname
    except ValueError:
        parts, name = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not name or any(c.isspace() for c in address):
        raise UserError(f"{address} is no address of the web; give one that begins with https:// or http://.")
    return name


def _refused(address: str, error: urllib.error.HTTPError) -> Exception:
    said = f"{error.code} {error.reason}".strip()
    if error.code in _MISSING:
        return NotThere(f"There is no file {address} (the host answers {said}).")
    if error.code in _PASSING:
        return Passing(f"the host answers {said}", _seconds_until(error.headers.get("Retry-After")))
    if error.code == 416:
        return NoRest("the host does not have the rest of the file")
    return UserError(f"{address} could not be fetched: the host answers {said}.")


def _seconds_until(value: str | None) -> float | None:
    """Seconds that `Retry-After` names, as a number or as a date."""
    if not value:
        return None
    try:
        if value.strip().isdigit():
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _failed(address: str, reason: object) -> Exception:
    """The error for a connection that failed."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return UserError(f"{address} could not be fetched: its certificate is not valid ({reason.verify_message}).")
    words = (getattr(reason, "strerror", None) or str(reason) or type(reason).__name__).rstrip(".")
    if isinstance(reason, socket.gaierror | ConnectionRefusedError) or "unreachable" in words.lower():
        return Unreachable(f"{host(address)} does not answer ({words}).")
    return Passing(f"the connection broke ({words})")
