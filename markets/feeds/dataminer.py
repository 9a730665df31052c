"""The dialect of PJM's Data Miner 2: how it is asked, how it pages, how it refuses.

Source: PJM's Data Miner 2 guide, and recorded answers. How windows are packed stands in dm2_plan, how answers are read
in dm2_answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings

from energyopti.errors import InvalidInput, MalformedAnswer, NotConfigured, UpstreamRefused
from energyopti.feeds.feed import Answer, Cut, Endpoint, Feed, NodeSet, Page, Pull, Request
from energyopti.intervals import Span
from markets.feeds import dm2_answers, dm2_plan

KEY_HEADER = "Ocp-Apim-Subscription-Key"
MEMBER_DELAY, PUBLIC_DELAY = 60 / 600, 60 / 6  # seconds: 600 requests a minute for members, 6 for others
REMEMBERED = timedelta(days=1)


class DataMiner:
    """Implements energyopti.feeds.feed.Upstream. Remembers each feed's archive cutoff for a day."""

    name = "pjm"
    title = "PJM Data Miner 2"

    def __init__(self) -> None:
        self._cutoffs: dict[tuple[str, str], tuple[datetime, int | None]] = {}

    def endpoint(self) -> Endpoint:
        key: str = settings.PJM_API_KEY
        sandbox = settings.SANDBOX == "on" or (settings.SANDBOX == "auto" and not key)
        if not sandbox and not key:
            raise NotConfigured("PJM_API_KEY is not set and SANDBOX is off; set a Data Miner 2 key, or SANDBOX=auto", field="PJM_API_KEY")
        if not (key.isascii() and key.isprintable()):
            raise NotConfigured(
                "PJM_API_KEY holds a character that no key has; is there more than one line in its file?", field="PJM_API_KEY"
            )
        if sandbox and not settings.SANDBOX_URL:
            raise NotConfigured("SANDBOX_URL is not set; start the sandbox with make run, or set PJM_API_KEY", field="SANDBOX_URL")
        return Endpoint(
            base_url=f"{settings.SANDBOX_URL.rstrip('/')}/api/v1" if sandbox else settings.PJM_BASE_URL,
            sandbox=sandbox,
            headers={"Accept": "application/json", "Accept-Encoding": "gzip"} | ({} if sandbox else {KEY_HEADER: key}),
            secret="" if sandbox else key,
            delay=_delay(sandbox=sandbox),
            timeout=settings.PJM_TIMEOUT,
            retries=settings.PJM_MAX_RETRIES,
            cache_seconds=settings.PJM_CACHE_DURATION,
        )

    def plan(
        self,
        feed: Feed,
        windows: Sequence[Span],
        nodes: NodeSet,
        *,
        kinds: Mapping[int, str],
        now: datetime,
        ask: Callable[[Request], Answer],
    ) -> list[Pull]:
        """Raises InvalidInput when the node set is empty: a question without a node filter would ask for all of them."""
        if feed.cut is Cut.SNAPSHOT:
            return dm2_plan.snapshot(feed, windows)
        if nodes.ids is not None and not nodes.ids:
            raise InvalidInput("no node is followed yet; sync pjm.pnode first, or name nodes", field="nodes")
        return dm2_plan.plan(feed, windows, nodes.ids, kinds=kinds, archive=dm2_plan.archive(now, self._cutoff_days(feed, now, ask)))

    def request(self, pull: Pull, *, span: Span | None, start_row: int, page_rows: int) -> Request:
        """Both ends of a date filter belong to it, so the last one named is the beginning of the last interval."""
        params = {**pull.params, "startRow": str(start_row), "rowCount": str(page_rows)}
        if span:
            last = span.end - (pull.feed.step or timedelta(minutes=1))
            params["datetime_beginning_utc"] = f"{span.start:%Y-%m-%dT%H:%M}to{last:%Y-%m-%dT%H:%M}"
        return Request(pull.feed.path, params)

    def check(self, answer: Answer) -> None:
        if refusal := dm2_answers.refusal(answer.status, answer.body):
            raise UpstreamRefused(refusal.sentence, field=refusal.field)

    def parse(self, feed: Feed, body: bytes, headers: Mapping[str, str]) -> Page:
        return dm2_answers.parse(feed, body, headers)

    def _cutoff_days(self, feed: Feed, now: datetime, ask: Callable[[Request], Answer]) -> int | None:
        """After how many days the feed's rows are archived, in PJM's own words where it says so; None: never."""
        declared: int | None = feed.options.get("archive_days")
        if declared is None:
            return None
        place = (self.endpoint().base_url, feed.path)
        asked_at, days = self._cutoffs.get(place, (None, None))
        if asked_at is None or not asked_at <= now < asked_at + REMEMBERED:
            days = self._ask_cutoff(feed, declared, ask)
            self._cutoffs[place] = (now, days)
        return days

    def _ask_cutoff(self, feed: Feed, declared: int, ask: Callable[[Request], Answer]) -> int | None:
        try:
            answer = ask(Request(f"{feed.path}/metadata", {}))
            self.check(answer)
        except (UpstreamRefused, MalformedAnswer):
            return declared
        return dm2_answers.cutoff_days(answer.body, declared)


def _delay(*, sandbox: bool) -> float:
    """Seconds between two requests."""
    if settings.PJM_RATE_LIMIT_DELAY not in ("", None):
        return float(settings.PJM_RATE_LIMIT_DELAY)
    return 0.0 if sandbox else MEMBER_DELAY if settings.PJM_MEMBER else PUBLIC_DELAY


UPSTREAMS = (DataMiner(),)
