"""The commands as a person types them: output, reasons, exits."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command

from energyopti.feeds import registry
from energyopti.feeds.models import Coverage, Quarantine
from energyopti.sandbox.server import Sandbox
from tests.feeds.sandboxed import FEED, days, stored, truth

pytestmark = pytest.mark.django_db(transaction=True)


def typed(*words: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


MARCH = ("--start", "2026-03-07", "--end", "2026-03-10")


def test_sync_pulls_market_days_and_prints_one_summary_line(upstream: Sandbox) -> None:
    code, out, err = typed("sync", FEED, *MARCH)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert "[sandbox]: complete, windows 3/3 complete" in out
    span = days(date(2026, 3, 7), date(2026, 3, 9))
    assert stored(span) == truth(upstream, span)


def test_sync_says_1_and_why_when_nothing_came(upstream: Sandbox) -> None:
    upstream.misbehave("missing_column", feed="rt_hrl_lmps", times=99, column="zone")
    code, out, err = typed("sync", FEED, *MARCH)
    assert (code, "failed" in out) == (1, True)
    assert "zone" in err


def test_sync_says_3_when_the_source_has_not_all_of_it(upstream: Sandbox) -> None:
    code, out, _ = typed("sync", FEED, "--start", "2026-06-18", "--end", "2026-06-21")
    assert (code, "incomplete" in out) == (3, True)
    assert Coverage.objects.filter(status="complete").count() == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("sync", "pjm.nothing", *MARCH), "known are pjm.da_hrl_lmps"),
        (("sync", FEED, "--start", "yesterday", "--end", "2026-03-10"), "'yesterday' is not an ISO-8601 time"),
        (("sync", FEED, "--start", "2026-03-10", "--end", "2026-03-09"), "is not after start"),
        (("sync", FEED, *MARCH, "--nodes", "NO SUCH NODE"), "NO SUCH NODE"),
        (("sync", "pjm.pnode", *MARCH, "--nodes", "1"), "no nodes to choose from"),
        (("import_file", FEED, "/no/such/file.csv"), "No such file"),
        (("replay", FEED, "--run", "999999"), "has no run 999999"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_1(upstream: Sandbox, words: tuple[str, ...], reason: str) -> None:
    code, out, err = typed(*words)
    assert (code, out) == (1, "")
    assert reason in err
    assert err.count("\n") == 1


def test_without_a_key_and_without_the_sandbox_sync_says_what_to_set(settings) -> None:
    settings.SANDBOX, settings.PJM_API_KEY = "off", ""
    code, _, err = typed("sync", FEED, *MARCH)
    assert (code, "PJM_API_KEY" in err) == (1, True)


def test_feeds_lists_every_feed_with_last_run_and_completeness(upstream: Sandbox) -> None:
    typed("sync", FEED, *MARCH)
    code, out, _ = typed("feeds")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert code == 0
    assert set(lines) == {
        "feed",
        "pjm.pnode",
        "pjm.da_hrl_lmps",
        "pjm.rt_hrl_lmps",
        "pjm.rt_fivemin_hrl_lmps",
        "pjm.rt_unverified_fivemin_lmps",
    }
    assert "3/3 windows" in lines[FEED]
    assert "[sandbox]" in lines[FEED]
    assert "never" in lines["pjm.pnode"]


COLUMNS = (
    "datetime_beginning_utc,datetime_beginning_ept,pnode_id,pnode_name,voltage,equipment,type,zone,"
    "system_energy_price_rt,total_lmp_rt,congestion_price_rt,marginal_loss_price_rt,row_is_current,version_nbr"
)


def exported(hour: int) -> str:
    """A row as Data Miner's page exports it."""
    ept = datetime(2026, 6, 10, tzinfo=registry.feed(FEED).zone) + timedelta(hours=hour)
    times = ",".join(f"{moment:%m/%d/%Y %I:%M:%S %p}" for moment in (ept.astimezone(UTC), ept))
    return f"{times},7,TEST HUB,,,HUB,,30.000000,31.500000,1.000000,0.500000,True,1"


def test_a_file_with_a_bad_row_loads_the_good_ones_and_keeps_the_bad(archive_folder: Path, tmp_path: Path) -> None:
    rows = [exported(hour) for hour in range(24)]
    bad = rows[4] = rows[4].replace("31.500000", "n/a")
    path = tmp_path / "export.csv"
    path.write_text("\n".join([COLUMNS, *rows]) + "\n", encoding="utf-8")
    code, out, _ = typed("import_file", FEED, str(path))
    assert (code, "1 quarantined" in out) == (3, True)
    refused = Quarantine.objects.get()
    assert refused.raw == bad
    assert refused.field == "total_lmp_rt"
    assert (Coverage.objects.get().status, Coverage.objects.get().missing) == ("incomplete", 1)


def test_once_a_real_file_is_in_feeds_shows_the_real_figures(upstream: Sandbox, tmp_path: Path) -> None:
    typed("sync", FEED, *MARCH)
    path = tmp_path / "export.csv"
    path.write_text("\n".join([COLUMNS, *map(exported, range(24))]) + "\n", encoding="utf-8")
    typed("import_file", FEED, str(path))
    _, out, _ = typed("feeds")
    (line,) = [line for line in out.splitlines() if line.startswith(f"{FEED} ")]
    assert ("1/1 windows" in line, "[sandbox]" in line) == (True, False)


def test_a_small_price_is_written_as_the_source_wrote_it(archive_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("\n".join([COLUMNS, exported(0).replace("31.500000,1.000000", "30.499967,-0.000033")]) + "\n", encoding="utf-8")
    typed("import_file", FEED, str(path))
    _, out, _ = typed("prices", "7", "--start", "2026-06-10", "--end", "2026-06-11")
    assert out.splitlines()[1].startswith("7,2026-06-10T04:00:00Z,30.499967,30.0,-0.000033,0.5,1,verified,")


def test_prices_and_gaps_say_what_is_there_and_what_is_not(upstream: Sandbox) -> None:
    typed("sync", "pjm.pnode", *MARCH)
    typed("sync", FEED, *MARCH, "--nodes", "WESTERN HUB")
    code, out, _ = typed("prices", "western hub", "--start", "2026-03-08", "--end", "2026-03-09")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 1 + 23)
    assert lines[0].startswith("node_id,interval_start,lmp_usd_per_mwh,energy_usd_per_mwh")
    assert lines[1].startswith("51288,2026-03-08T05:00:00Z,")
    assert lines[1].endswith(",true")
    _, gaps, _ = typed("gaps", FEED, "--nodes", "51288", "--start", "2026-03-06", "--end", "2026-03-11")
    assert gaps.splitlines()[1:] == [
        "51288,2026-03-06T05:00:00Z,2026-03-07T05:00:00Z,24",
        "51288,2026-03-10T04:00:00Z,2026-03-11T04:00:00Z,24",
    ]
