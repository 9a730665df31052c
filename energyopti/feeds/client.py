"""HTTP to an upstream: paced, retried, whole or not at all, and never with a key in what it leaves behind."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable
from typing import Any

import requests
import structlog
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from energyopti.errors import MalformedAnswer, UpstreamRefused, UpstreamUnreachable
from energyopti.feeds.feed import Answer, Endpoint, Request, Upstream
from energyopti.feeds.limits import Priority, wait_turn

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT = 10.0
RETRIED = (429, 500, 502, 503, 504)
LONGEST_PAUSE = 120.0
LARGEST = 1 << 28  # bytes made ready for an unpacked answer on its own word
KEPT_HEADERS = ("Content-Type", "Content-Encoding", "Date", "X-TotalRows", "Cache-Control", "ETag", "X-EnergyOpti-Sandbox")
REDACTED = "[key redacted]"
CUT = (urllib3.exceptions.HTTPError, requests.ConnectionError, zlib.error)


class PacedRetry(Retry):
    """urllib3's Retry; a repeated request waits for its turn like any other."""

    def __init__(self, *args: Any, turn: Callable[[], object], **options: Any) -> None:
        self.turn = turn
        super().__init__(*args, **options)

    def new(self, **options: Any) -> PacedRetry:
        return super().new(turn=self.turn, **options)

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        super().sleep(response)
        self.turn()


class Client:
    """One upstream's connection for one run."""

    def __init__(self, upstream: Upstream, endpoint: Endpoint, *, priority: Priority) -> None:
        self.upstream, self.endpoint, self.priority = upstream, endpoint, priority
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "EnergyOpti", "Accept-Encoding": "gzip", **endpoint.headers})
        retry = PacedRetry(
            total=endpoint.retries,
            status_forcelist=RETRIED,
            backoff_factor=1.0,
            backoff_jitter=0.5,
            backoff_max=LONGEST_PAUSE,
            retry_after_max=int(LONGEST_PAUSE),
            raise_on_status=False,
            turn=self._turn,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))

    def _turn(self) -> float:
        name = f"{self.upstream.name}{'@sandbox' if self.endpoint.sandbox else ''}"
        return wait_turn(name, delay=self.endpoint.delay, priority=self.priority)

    def close(self) -> None:
        self._session.close()

    def get(self, request: Request) -> Answer:
        """A whole, accepted answer.

        Raises UpstreamUnreachable after the last retry, UpstreamRefused for a 4xx in the upstream's own words,
        MalformedAnswer for a refusal that came as a 200.
        """
        answer = self._whole(request)
        if answer.status in RETRIED:
            raise UpstreamUnreachable(f"{self.upstream.title} answered {answer.status} to the last of {self.endpoint.retries + 1} tries")
        if 300 <= answer.status < 400:
            raise UpstreamRefused(f"{self.upstream.title} sent the question on to another address ({answer.status}); correct its base URL")
        try:
            self.upstream.check(answer)
        except UpstreamRefused as refusal:
            detail = self._redact(refusal.detail)
            if answer.status < 400:
                raise MalformedAnswer(detail) from None
            raise UpstreamRefused(detail, field=refusal.field) from None
        return answer

    def _whole(self, request: Request) -> Answer:
        """Repeats an answer that was cut in the middle: urllib3's Retry ends where the body begins."""
        for attempt in range(self.endpoint.retries + 1):
            self._turn()
            try:
                return self._once(request)
            except CUT as problem:
                reason = self._redact(_told(problem))
                log.warning("upstream.cut", upstream=self.upstream.name, path=request.path, attempt=attempt + 1, reason=reason)
                exhausted = isinstance(problem, requests.RequestException)  # the adapter has tried it to the end
                if exhausted or attempt == self.endpoint.retries:
                    break
                time.sleep(min(2.0**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1.0))  # noqa: S311
        raise UpstreamUnreachable(f"{self.upstream.title} did not answer whole: {reason}") from None

    def _once(self, request: Request) -> Answer:
        url = f"{self.endpoint.base_url.rstrip('/')}/{request.path.lstrip('/')}"
        timeout = (min(CONNECT_TIMEOUT, self.endpoint.timeout), self.endpoint.timeout)
        with self._session.get(url, params=request.params, timeout=timeout, stream=True, allow_redirects=False) as response:
            wire = response.raw.read(decode_content=False)
        body, encoding = _decode(wire)
        headers = {name: self._redact(response.headers[name]) for name in KEPT_HEADERS if name in response.headers}
        answer = Answer(response.status_code, self._redact(response.url), headers, body, wire, encoding)
        return self._without_key(answer)

    def _without_key(self, answer: Answer) -> Answer:
        """An upstream may repeat the caller's key in its links or its errors; the archive must not."""
        secret = self.endpoint.secret.encode()
        if not secret or secret not in answer.body:
            return answer
        body = answer.body.replace(secret, REDACTED.encode())
        return Answer(answer.status, answer.url, answer.headers, body, b"", "")

    def _redact(self, text: str) -> str:
        return text.replace(self.endpoint.secret, REDACTED) if self.endpoint.secret else text


def _decode(wire: bytes) -> tuple[bytes, str]:
    """The bytes tell whether they are gzip; the header does not always (PJM, since 2025-09)."""
    if wire[:2] != b"\x1f\x8b":
        return wire, ""
    told = min(int.from_bytes(wire[-4:], "little"), LARGEST)  # gzip ends with its content's size: no growing, no copying
    return zlib.decompress(wire, wbits=31, bufsize=told or 1), "gzip"


def _told(problem: Exception) -> str:
    """The innermost reason in words; requests and urllib3 wrap it several times."""
    reason: object = problem
    while (inner := getattr(reason, "reason", None)) or (getattr(reason, "args", ()) and isinstance(reason.args[0], Exception)):  # type: ignore[attr-defined]
        reason = inner or reason.args[0]  # type: ignore[attr-defined]
    return str(reason).split(": ", 1)[-1] or type(reason).__name__
