"""Files that people made: what is read, what is refused, and in which words."""

import gzip
import io
import json
import zipfile
from datetime import datetime

import numpy as np
import openpyxl
import pytest

from energyopti.errors import InvalidInput, MalformedAnswer, StructureChanged
from energyopti.feeds import files, openers
from tests.markets.feeds.samples import HOURLY, PNODE, hourly, page

COLUMNS = list(hourly())
UTC, EPT = "7/1/2024 4:00:00 AM", "7/1/2024 12:00:00 AM"
ROW = [UTC, EPT, "900001", "TEST  230 KV  T-1", "230 KV", "T-1", "LOAD", "TESTZONE", "30.00", "31.500000", "1.25", "0.25", "True", "1"]


def row(**changes: str) -> list[str]:
    return [changes.get(name, cell) for name, cell in zip(COLUMNS, ROW, strict=True)]


def text(*rows: list[str], header: list[str] | None = None, sep: str = ",", end: str = "\r\n") -> str:
    return "".join(sep.join(cells) + end for cells in [header or COLUMNS, *rows])


def read(content: str | bytes, feed=HOURLY):
    return files.read(feed, content.encode() if isinstance(content, str) else content, "export.csv")


def rejected(content: str | bytes) -> list[tuple[int, str, str]]:
    return [(reject.row, reject.code, reject.field) for reject in read(content).rejects]


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for cells in rows:
        book.active.append(cells)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


# --- what is unmistakable --------------------------------------------------------------------------


def test_an_export_of_the_web_page_is_read():
    table = read(text(row()))
    assert str(table["interval_start"][0]) == "2024-07-01T04:00:00"
    assert {name: table[name].tolist() for name in ("pnode_id", "version", "total", "congestion", "loss", "energy")} == {
        "pnode_id": [900001],
        "version": [1],
        "total": [31.5],
        "congestion": [1.25],
        "loss": [0.25],
        "energy": [30.0],
    }
    assert table.entities[900001].name == "TEST  230 KV  T-1"
    assert table.rejects == ()


@pytest.mark.parametrize(
    ("utc", "ept"),
    [
        ("7/1/2024 4:00", "7/1/2024 0:00"),
        ("07/01/2024 04:00:00", "07/01/2024 00:00:00"),
        ("7/1/2024 4:00 am", "7/1/2024 12:00 am"),
        ("7/1/2024 4:00AM", "7/1/2024"),
        ("2024-07-01T04:00:00", "2024-07-01T00:00:00"),
        ("2024-07-01 04:00", "2024-07-01"),
        (" 7/1/2024 4:00 ", "7/1/2024 0:00"),
    ],
)
def test_a_time_may_be_written_in_these_ways(utc, ept):
    table = read(text(row(datetime_beginning_utc=utc, datetime_beginning_ept=ept)))
    assert ([str(time) for time in table["interval_start"]], table.rejects) == (["2024-07-01T04:00:00"], ())


def test_noon_and_midnight_are_told_apart():
    noon = row(datetime_beginning_utc="7/1/2024 4:00:00 PM", datetime_beginning_ept="7/1/2024 12:00:00 PM")
    assert [str(time) for time in read(text(row(), noon))["interval_start"]] == ["2024-07-01T04:00:00", "2024-07-01T16:00:00"]


@pytest.mark.parametrize("flag", ["True", "TRUE", "true", "1", " TRUE "])
def test_a_flag_may_be_written_in_these_ways(flag):
    assert len(read(text(row(row_is_current=flag)))) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("sep", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_encodings_separators_and_line_ends(encoding, sep, end):
    assert len(read(text(row(), sep=sep, end=end).encode(encoding))) == 1


def test_gzip_is_told_by_its_bytes():
    assert len(read(gzip.compress(text(row()).encode()))) == 1


def test_blank_lines_and_empty_cells_at_the_end_are_nothing():
    content = text([*row(), "", ""], ["", *[""] * 15], header=[*COLUMNS, "", ""]) + "\r\n\r\n"
    assert (len(read(content)), read(content).rejects) == (1, ())


def test_quoted_cells_and_blanks_around_column_names():
    cells = [f'"{cell}"' for cell in row(pnode_name="A, B")]
    table = read(text(cells, header=[f" {name} " for name in COLUMNS]))
    assert table.entities[900001].name == "A, B"


def test_columns_may_stand_in_another_order():
    table = read(text(row()[::-1], header=COLUMNS[::-1]))
    assert table["total"].tolist() == [31.5]


def test_an_empty_price_is_none_and_an_empty_zone_is_empty():
    table = read(text(row(total_lmp_rt="", zone="", system_energy_price_rt="null")))
    assert (np.isnan(table["total"][0]), np.isnan(table["energy"][0]), table.entities[900001].zone) == (True, True, "")


def test_a_header_alone_is_an_empty_table():
    assert len(read(text())) == 0


def test_a_workbook_with_date_cells_is_read():
    cells = [
        datetime(2024, 7, 1, 3, 59, 59, 999997),
        datetime(2024, 7, 1),
        900001,
        "T-1",
        None,
        None,
        "LOAD",
        None,
        30,
        31.5,
        1.25,
        0.25,
        True,
        1,
    ]
    table = read(workbook(COLUMNS, cells, [None] * 14))
    assert ([str(time) for time in table["interval_start"]], table["total"].tolist()) == (["2024-07-01T04:00:00"], [31.5])
    assert table.rejects == ()


def test_a_workbook_may_hold_texts_and_names_of_digits():
    table = read(workbook(COLUMNS, [*ROW[:3], 117, *ROW[4:]]))
    assert (table["energy"].tolist(), table.entities[900001].name) == ([30.0], "117")


@pytest.mark.parametrize("packed", [False, True])
def test_a_saved_answer_is_read_by_the_upstreams_dialect(packed):
    body = page([hourly()])
    assert read(gzip.compress(body) if packed else body)["total"].tolist() == [31.5]


def test_a_saved_bare_array_is_read():
    assert len(read("\ufeff " + json.dumps([hourly()]))) == 1


def test_a_path_is_read_too(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(text(row()))
    assert len(files.read(HOURLY, path, path.name)) == 1


def test_a_pnode_export_is_read():
    content = "pnode_id,pnode_name,pnode_type,pnode_subtype,zone,voltage_level,effective_date,termination_date\n"
    content += "900001,TEST  230 KV  T-1,BUS,LOAD,,230 KV,4/1/1998 12:00:00 AM,12/31/9999 12:00:00 AM\n"
    table = read(content, PNODE)
    assert (str(table["effective_from"][0]), np.isnat(table["effective_to"][0])) == ("1998-04-01T05:00:00", True)


def test_a_long_file_comes_in_chunks_and_rows_are_counted_over_all(monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 2)
    rows = [row(pnode_id=str(900001 + i)) for i in range(4)] + [row(pnode_id="x")]
    chunks = list(files.read_chunks(HOURLY, text(*rows).encode(), "export.csv"))
    assert ([len(chunk) for chunk in chunks], chunks[2].rejects[0].row) == ([2, 2, 0], 5)


# --- rows that are refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"total_lmp_rt": "1,031.50"}, "wrong-cells", ""),
        ({"total_lmp_rt": '"1,031.50"'}, "bad-value", "total_lmp_rt"),
        ({"total_lmp_rt": "nan"}, "not-finite", "total_lmp_rt"),
        ({"total_lmp_rt": "-inf"}, "not-finite", "total_lmp_rt"),
        ({"total_lmp_rt": "#N/A"}, "bad-value", "total_lmp_rt"),
        ({"pnode_id": ""}, "bad-value", "pnode_id"),
        ({"pnode_id": "5.12E+04x"}, "bad-value", "pnode_id"),
        ({"pnode_name": ""}, "bad-value", "pnode_name"),
        ({"row_is_current": "ja"}, "bad-value", "row_is_current"),
        ({"datetime_beginning_utc": "7/1/24 4:00"}, "not-a-time", "datetime_beginning_utc"),
        ({"datetime_beginning_utc": "45474.1667"}, "not-a-time", "datetime_beginning_utc"),
        ({"datetime_beginning_utc": "13/32/2024 4:00"}, "not-a-time", "datetime_beginning_utc"),
        ({"datetime_beginning_utc": "7/1/2024 13:00:00 PM"}, "not-a-time", "datetime_beginning_utc"),
        ({"datetime_beginning_utc": ""}, "bad-value", "datetime_beginning_utc"),
        ({"datetime_beginning_ept": "7/1/2024 1:00:00 AM"}, "times-disagree", "datetime_beginning_ept"),
    ],
)
def test_a_row_that_does_not_fit_is_rejected_and_the_others_stand(changes, code, field):
    content = text(row(pnode_id="900000"), row(**changes), row(pnode_id="900002"))
    assert read(content)["pnode_id"].tolist() == [900000, 900002]
    assert rejected(content) == [(2, code, field)]


def test_a_rejected_row_is_kept_letter_by_letter():
    [reject] = read(text(row(pnode_name='"TEST  ""1"""', total_lmp_rt="n/a"))).rejects
    assert reject.raw == ",".join(row(pnode_name='"TEST  ""1"""', total_lmp_rt="n/a"))


def test_a_rejected_row_of_a_workbook_is_kept_cell_by_cell():
    [reject] = read(workbook(COLUMNS, [*ROW[:9], "n/a", *ROW[10:]])).rejects
    assert reject.raw == ",".join([*ROW[:9], "n/a", *ROW[10:]])


# --- files that are refused ------------------------------------------------------------------------


def test_days_before_months_refuse_the_whole_file():
    """Rows 1 to 12 of such a file read as another month's: none of them may be stored."""
    good = row(datetime_beginning_utc="1/7/2024 5:00", datetime_beginning_ept="1/7/2024 0:00")
    with pytest.raises(InvalidInput, match=r"'13/7/2024 4:00': the day stands before the month"):
        read(text(good, row(datetime_beginning_utc="13/7/2024 4:00", datetime_beginning_ept="13/7/2024 0:00")))


def test_days_before_months_are_found_at_the_first_midnight():
    """1 February 2024 03:00 UTC is 31 January 22:00 EPT; read the wrong way round, 2 January contradicts 1 February."""
    content = text(row(datetime_beginning_utc="2/1/2024 3:00", datetime_beginning_ept="1/1/2024 22:00"))
    assert (len(read(content)), rejected(content)) == (0, [(1, "times-disagree", "datetime_beginning_ept")])


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            ["value" if name == "total_lmp_rt" else name for name in COLUMNS],
            r"missing total_lmp_rt; unknown 'value' \(was total_lmp_rt renamed",
        ),
        ([name.upper() for name in COLUMNS], "missing datetime_beginning_utc"),
        ([*COLUMNS[:-1], "version_nbr_"], r"unknown 'version_nbr_'"),
        ([*COLUMNS, "comment"], "unknown 'comment'; expected datetime_beginning_utc"),
        (COLUMNS[:-1], "missing version_nbr; expected"),
        (ROW, "missing datetime_beginning_utc"),
    ],
)
def test_other_columns_refuse_the_file_by_name(header, words):
    with pytest.raises(StructureChanged, match=words):
        read(text(row(), header=header))


def test_a_column_that_stands_twice_is_refused():
    with pytest.raises(InvalidInput, match="zone stands twice"):
        read(text([*row(), "x"], header=[*COLUMNS, "zone"]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"^export\.csv is empty$"),
        (b"\r\n\r\n", r"^export\.csv is empty$"),
        (b"\xd0\xcf\x11\xe0 workbook", "old Excel workbook"),
        (b"\x89PNG\r\n\x00\x00", "neither CSV, XLSX nor JSON"),
        (b"PK\x03\x04 not a zip", r"^export\.csv cannot be read: File is not a zip file"),
        (gzip.compress(text(row()).encode())[:-9], r"^export\.csv cannot be read: "),
        (b"\x1f\x8bnot gzip", r"^export\.csv cannot be read: "),
        (text(row(pnode_name="Münster")).encode("cp1252"), r"^export\.csv cannot be read: 'utf-8'"),
        (b"x" * 70_000, "a row of more than 8192 characters"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(content, words):
    with pytest.raises(InvalidInput, match=words):
        read(content)


def test_a_zip_that_is_no_workbook_is_refused():
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("export.csv", text(row()))
    with pytest.raises(InvalidInput, match=r"^export\.csv is no workbook that can be read"):
        read(kept.getvalue())


def test_a_truncated_answer_is_refused():
    with pytest.raises(MalformedAnswer, match="not whole JSON"):
        read(page([hourly()])[:-20])


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InvalidInput, match="is a folder"):
        files.read(HOURLY, tmp_path, "exports")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"^export\.csv cannot be read: No such file"):
        files.read(HOURLY, tmp_path / "export.csv", "export.csv")


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: workbook(COLUMNS, [content.decode()[:30_000]] * 14)])
def test_a_file_that_unpacks_without_end_is_stopped(monkeypatch, pack):
    monkeypatch.setattr(openers, "MAX_BYTES", 20_000)
    with pytest.raises(InvalidInput, match=r"unpacks to more than \d+ MB"):
        read(pack((text() + "\r\n" * 30_000).encode()))


def test_a_file_of_which_nothing_fits_is_another_file(monkeypatch):
    monkeypatch.setattr(files, "MAX_REJECTS", 2)
    with pytest.raises(
        InvalidInput, match=r"more than 2 rows do not fit pjm\.rt_hrl_lmps; row 1: pnode_id must be a whole number, and is .x."
    ):
        read(text(*[row(pnode_id="x")] * 3))


# --- rows that stand twice -------------------------------------------------------------------------


def test_exact_repeats_are_dropped_and_counted():
    chunk = next(files.read_chunks(HOURLY, text(row(), row(pnode_id="900002"), row(), row()).encode(), "export.csv"))
    table, rejects, dropped = files.dedupe(HOURLY, chunk)
    assert (table["pnode_id"].tolist(), rejects, dropped) == ([900001, 900002], [], 2)


def test_rows_that_contradict_each_other_are_all_rejected():
    content = text(row(), row(pnode_id="900002"), row(total_lmp_rt="99"), row())
    assert read(content)["pnode_id"].tolist() == [900002]
    assert rejected(content) == [(1, "contradiction", ""), (3, "contradiction", ""), (4, "contradiction", "")]


def test_two_versions_of_a_price_contradict_nothing():
    assert len(read(text(row(), row(version_nbr="2", total_lmp_rt="99")))) == 2


def test_an_empty_price_equals_an_empty_price():
    assert len(read(text(row(total_lmp_rt=""), row(total_lmp_rt="")))) == 1


def test_a_repeated_pnode_without_an_end_is_dropped():
    line = "900001,T,BUS,LOAD,,230 KV,4/1/1998 12:00:00 AM,12/31/9999 12:00:00 AM\n"
    content = "pnode_id,pnode_name,pnode_type,pnode_subtype,zone,voltage_level,effective_date,termination_date\n" + line * 2
    assert (len(read(content, PNODE)), read(content, PNODE).rejects) == (1, ())
