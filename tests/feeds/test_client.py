"""The client against a real server: whole answers, retries, refusals, and no key left anywhere."""

from __future__ import annotations

import gzip
import logging
import time
from types import SimpleNamespace

import pytest

from energyopti.errors import MalformedAnswer, UpstreamRefused, UpstreamUnreachable
from energyopti.feeds.client import Client
from energyopti.feeds.feed import Answer, Endpoint, Request
from energyopti.feeds.limits import Priority
from tests.feeds import scripted

KEY = "f00dfeedf00dfeed"
ASKED = Request("lmps", {"pnode_id": "1;3"})


def check(answer: Answer) -> None:
    if answer.status >= 400 or answer.body.startswith(b"Error"):
        raise UpstreamRefused(answer.body.decode())


def client(url: str, **options: object) -> Client:
    endpoint = Endpoint(
        base_url=url, sandbox=False, headers={"Ocp-Apim-Subscription-Key": KEY}, secret=KEY, **{"timeout": 0.3, "retries": 1, **options}
    )
    return Client(SimpleNamespace(name="test", title="The test upstream", check=check), endpoint, priority=Priority.LIVE)


def test_an_answer_comes_with_its_bytes_as_they_were_sent() -> None:
    with scripted.serving(scripted.gzipped(b'{"items": []}')) as upstream:
        answer = client(upstream.url).get(ASKED)
    assert (answer.body, answer.encoding, gzip.decompress(answer.wire)) == (b'{"items": []}', "gzip", b'{"items": []}')
    assert upstream.seen == ["/lmps?pnode_id=1%3B3"]


@pytest.mark.parametrize("script", [scripted.gzipped(b"[1]", declared=False), scripted.answer(b"[1]", Content_Encoding="gzip")])
def test_the_bytes_tell_whether_they_are_gzip_not_the_header(script: scripted.Script) -> None:
    with scripted.serving(script) as upstream:
        assert client(upstream.url).get(ASKED).body == b"[1]"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_refusal_is_tried_again(status: int) -> None:
    with scripted.serving(scripted.answer(b"busy", status=status), scripted.answer(b"[]")) as upstream:
        assert client(upstream.url).get(ASKED).body == b"[]"
    assert len(upstream.seen) == 2


def test_retry_after_is_obeyed() -> None:
    with scripted.serving(scripted.answer(b"busy", status=429, Retry_After="1"), scripted.answer(b"[]")) as upstream:
        asked = client(upstream.url)
        started = time.monotonic()
        asked.get(ASKED)
    assert time.monotonic() - started >= 1


def test_the_last_429_is_an_error_that_says_so() -> None:
    with (
        scripted.serving(scripted.answer(b"busy", status=429)) as upstream,
        pytest.raises(UpstreamUnreachable, match="answered 429 to the last of 2"),
    ):
        client(upstream.url).get(ASKED)
    assert len(upstream.seen) == 2


@pytest.mark.parametrize(
    "broken",
    [scripted.cut(b'{"items":', promised=500), scripted.hang(1.0), scripted.answer(gzip.compress(b"x" * 5000)[:-9])],
    ids=["cut", "hang", "cut-gzip"],
)
def test_a_body_that_is_not_whole_is_asked_for_again(broken: scripted.Script) -> None:
    with scripted.serving(broken, scripted.answer(b"[]")) as upstream:
        assert client(upstream.url).get(ASKED).body == b"[]"
    assert len(upstream.seen) == 2


def test_an_upstream_that_never_answers_whole_is_unreachable() -> None:
    with scripted.serving(scripted.cut(b"[", promised=9)) as upstream, pytest.raises(UpstreamUnreachable, match="did not answer whole"):
        client(upstream.url).get(ASKED)


def test_nobody_listening_is_unreachable() -> None:
    with pytest.raises(UpstreamUnreachable, match="did not answer whole"):
        client("http://127.0.0.1:9", retries=0).get(ASKED)


def test_a_refusal_carries_the_upstreams_own_words() -> None:
    refusal = scripted.answer(b"rowCount is too large", status=400)
    with scripted.serving(refusal) as upstream, pytest.raises(UpstreamRefused, match="rowCount is too large"):
        client(upstream.url).get(ASKED)
    assert len(upstream.seen) == 1  # asking again would not help


def test_error_text_inside_a_200_is_no_answer() -> None:
    with scripted.serving(scripted.answer(b"Error: try later")) as upstream, pytest.raises(MalformedAnswer, match="try later"):
        client(upstream.url).get(ASKED)


def test_a_key_that_the_upstream_repeats_is_taken_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    echo = f'{{"links":[{{"href":"/lmps?subscription-key={KEY}"}}]}}'.encode()
    with scripted.serving(scripted.gzipped(echo), scripted.answer(f"bad key {KEY}".encode(), status=401)) as upstream:
        asked = client(upstream.url)
        answer = asked.get(Request("lmps", {"subscription-key": KEY}))
        with pytest.raises(UpstreamRefused) as refusal:
            asked.get(ASKED)
    left = [
        answer.body.decode(),
        answer.url,
        str(answer.headers),
        gzip_or_text(answer),
        str(refusal.value),
        repr(asked.endpoint),
        caplog.text,
    ]
    assert KEY not in "".join(left)
    assert "[key redacted]" in answer.body.decode()


def gzip_or_text(answer: Answer) -> str:
    return gzip.decompress(answer.wire).decode() if answer.wire else ""
