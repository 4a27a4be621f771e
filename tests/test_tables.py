"""Tests of `gridplan.sources.tables`: every cell as text, points from tables, faults in words."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import InputError, MissingInputError
from gridplan.sources.tables import points_from_table, read_table


def csv_file(folder: Path, content: str | bytes, *, encoding: str = "utf-8") -> Path:
    path = folder / "表.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def excel_file(folder: Path, **sheets: list[list]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = folder / "表.xlsx"
    book.save(path)
    return path


def rows(table: pd.DataFrame) -> list[list]:
    return table.to_numpy().tolist()


class TestCsv:
    TEXT = "社区编码,名称\n001,花园\n002,周市\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
    def test_any_usual_encoding_is_read(self, tmp_path, encoding):
        table = read_table(csv_file(tmp_path, self.TEXT, encoding=encoding))
        assert table.columns.tolist() == ["社区编码", "名称"]
        assert rows(table) == [["001", "花园"], ["002", "周市"]]

    @pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
    def test_any_usual_separator_is_read(self, tmp_path, mark):
        table = read_table(csv_file(tmp_path, self.TEXT.replace(",", mark)))
        assert rows(table)[0] == ["001", "花园"]

    def test_cells_are_text_or_null(self, tmp_path):
        table = read_table(csv_file(tmp_path, "a,b\r\n 1.0 ,\r\n007,x y\r\n"))
        assert rows(table) == [["1.0", None], ["007", "x y"]]
        assert table.dtypes.tolist() == [object, object]
        assert table.index.tolist() == [0, 1]

    def test_line_breaks_inside_quotes_are_kept(self, tmp_path):
        table = read_table(csv_file(tmp_path, 'a,b\n"新镇\n社区",1\n'))
        assert rows(table) == [["新镇\n社区", "1"]]

    def test_empty_rows_and_columns_are_left_out(self, tmp_path):
        table = read_table(csv_file(tmp_path, ",,\n a ,,b\n1,,2\n,,\n3,,\n"))
        assert table.columns.tolist() == ["a", "b"]
        assert rows(table) == [["1", "2"], ["3", None]]

    @given(
        cells=st.lists(
            st.lists(
                st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1),
                min_size=2,
                max_size=2,
            ),
            min_size=1,
            max_size=5,
        )
    )
    @settings(max_examples=30, deadline=None)
    def test_what_is_written_is_read(self, tmp_path_factory, cells):
        path = tmp_path_factory.mktemp("csv") / "a.csv"
        pd.DataFrame(cells, columns=["a", "b"]).to_csv(path, index=False, encoding="utf-8-sig")
        assert rows(read_table(path)) == cells


class TestExcel:
    def test_numbers_become_text_as_they_read(self, tmp_path):
        cells = [320583102, 12.0, 0.1 + 0.2, "007", True, dt.date(2026, 7, 1)]
        path = excel_file(tmp_path, 人口=[list("abcdef"), cells])
        assert rows(read_table(path)) == [
            ["320583102", "12", "0.3", "007", "True", "2026-07-01"],
        ]

    def test_header_is_the_first_row_with_anything(self, tmp_path):
        path = excel_file(tmp_path, a=[[], [None, " id "], [None, "1"]])
        table = read_table(path)
        assert table.columns.tolist() == ["id"]

    def test_the_only_sheet_with_cells_is_taken(self, tmp_path):
        path = excel_file(tmp_path, 说明=[], 人口=[["id"], ["1"]])
        assert rows(read_table(path)) == [["1"]]

    def test_a_sheet_is_chosen_by_name(self, tmp_path):
        path = excel_file(tmp_path, a=[["id"], ["1"]], b=[["id"], ["2"]])
        assert rows(read_table(path, sheet="b")) == [["2"]]

    def test_several_sheets_without_a_name_are_refused(self, tmp_path):
        path = excel_file(tmp_path, a=[["id"], ["1"]], b=[["id"], ["2"]])
        with pytest.raises(InputError, match=r"holds 2 sheets: a, b\. Name one with `sheet"):
            read_table(path)

    def test_an_unknown_sheet_is_refused_with_the_nearest(self, tmp_path):
        path = excel_file(tmp_path, 人口表=[["id"], ["1"]], 说明=[])
        with pytest.raises(
            InputError, match=r"no sheet '人口'; it has 人口表, 说明\. Did you mean '人口表'"
        ):
            read_table(path, sheet="人口")

    def test_codes_that_excel_rounds_are_refused(self, tmp_path):
        path = excel_file(tmp_path, a=[["code"], [3205820102048188], ["3205820102048188"]])
        with pytest.raises(InputError, match=r"1 number has more than 15 digits"):
            read_table(path)

    def test_the_file_is_not_kept_open(self, tmp_path):
        path = excel_file(tmp_path, a=[["id"], ["1"]])
        read_table(path)
        path.rename(tmp_path / "moved.xlsx")  # fails on Windows if it is


class TestFaults:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", r"表\.csv is empty"),
            (b"\n,,\n", r"表\.csv is empty"),
            (b"a,b\n", r"has column names but no rows"),
            (b"a,a,b\n1,2,3\n", r"1 column name occurs more than once: a\."),
            (b"a,b\n1,2,3\n", r"1 column holds data but has no name .* \(1 row is longer"),
            (b"a,,a\n1,2,3\n", r"has no name(.|\n)*occurs more than once"),
            (b'a,b\n"1,2\n', r"no proper CSV file .* quotation mark"),
            (b"a,b\n1,\xff\xff\n", r"neither UTF-8 nor GB18030, .* b'\\xff\\xff\\n' at 6"),
        ],
    )
    def test_of_csv_are_said(self, tmp_path, content, message):
        with pytest.raises(InputError, match=message) as caught:
            read_table(csv_file(tmp_path, content))
        assert all(fault.zh != fault.en for fault in caught.value.faults)

    def test_no_such_file(self, tmp_path):
        with pytest.raises(MissingInputError, match=r"There is no file .*a\.csv"):
            read_table(tmp_path / "a.csv")

    def test_an_old_excel_file_is_refused_with_advice(self, tmp_path):
        path = tmp_path / "a.xls"
        path.write_bytes(b"\xd0\xcf\x11\xe0")
        with pytest.raises(InputError, match=r"old Excel file \(\.xls\)\. Save it as \.xlsx"):
            read_table(path)

    def test_another_kind_is_refused(self, tmp_path):
        path = tmp_path / "a.docx"
        path.write_bytes(b"x")
        with pytest.raises(InputError, match="is no CSV or XLSX file"):
            read_table(path)

    @pytest.mark.parametrize("inside", [None, "nothing.txt", "broken sheet"])
    def test_a_broken_excel_file_is_refused(self, tmp_path, inside):
        path = excel_file(tmp_path, a=[["id"], ["1"]])
        if inside is None:
            path.write_bytes(b"PK\x03\x04 broken")
        elif inside == "nothing.txt":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr(inside, "x")
        else:
            with zipfile.ZipFile(path) as archive:
                parts = {name: archive.read(name) for name in archive.namelist()}
            parts["xl/worksheets/sheet1.xml"] = b"<worksheet><sheetData><row>"
            with zipfile.ZipFile(path, "w") as archive:
                for name, content in parts.items():
                    archive.writestr(name, content)
        with pytest.raises(InputError, match="cannot be opened as an Excel file"):
            read_table(path)


def table(**columns: list) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype="object")


class TestPoints:
    @pytest.mark.parametrize(
        ("x", "y"),
        [("lon", "lat"), ("Longitude", "Latitude"), ("经度", "纬度"), ("lng", "lat")],
    )
    def test_degrees_are_known_by_their_names(self, x, y):
        points = points_from_table(table(**{"name": ["甲"], y: ["31.46"], x: ["120.98"]}))
        assert points.crs.to_epsg() == 4326
        assert points.geometry.iloc[0].wkt == "POINT (120.98 31.46)"
        assert points["name"].tolist() == ["甲"]

    def test_metres_need_a_system(self):
        metres = table(x=["593000"], y=["3483000"])
        assert points_from_table(metres, crs=4549).geometry.iloc[0].x == 593_000
        with pytest.raises(InputError, match=r"the columns x, y need a coordinate system"):
            points_from_table(metres)

    def test_columns_can_be_named(self):
        named = table(东=["593000"], 北=["3483000"])
        assert len(points_from_table(named, crs=4549, x="东", y="北")) == 1

    def test_the_index_is_kept_and_the_table_not_changed(self):
        given = table(lon=["121"], lat=["31"]).set_axis(["r7"])
        assert points_from_table(given).index.tolist() == ["r7"]
        assert given.columns.tolist() == ["lon", "lat"]

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"a": ["1"], "b": ["2"]}, r"committees has no columns of coordinates; it has \['a'"),
            ({"lon": ["121"], "y": ["31"]}, r"no columns of coordinates"),
            ({"lon": ["121", "东"], "lat": ["31", None]}, r"`lon` is no number.*: row 2 = '东'"),
            ({"lon": ["121", "121"], "lat": ["31", None]}, r"`lat` .*: row 2 = ''"),
            ({"lon": ["31.4"], "lat": ["121"]}, r"look exchanged"),
            ({"lon": ["593000"], "lat": ["3483000"]}, r"look projected"),
        ],
    )  # fmt: skip
    def test_faults_are_said(self, columns, message):
        with pytest.raises(InputError, match=message):
            points_from_table(table(**columns), what="committees")

    def test_both_columns_are_told_together(self):
        with pytest.raises(InputError) as caught:
            points_from_table(table(lon=["a"], lat=["b"]))
        assert len(caught.value.faults) == 2

    def test_named_columns_that_are_not_there(self):
        with pytest.raises(InputError, match=r"no columns of coordinates \['东'\]"):
            points_from_table(table(北=["1"]), x="东", y="北")


@pytest.mark.real
class TestRealFiles:
    def test_codes_of_suzhou_committees_stay_text(self, shared):
        villages = read_table(shared("cn_committees/suzhou_villages.csv"))
        assert len(villages) == 2_248
        codes = next(
            villages[name] for name in villages if villages[name].str.fullmatch(r"\d{12}").all()
        )
        assert int(codes.str.startswith("320583102").sum()) == 24 + 14

    def test_requests_without_coordinates_are_told(self, shared):
        requests = read_table(shared("events/nyc_311_nypd_1000.csv"))
        lowered = requests.rename(columns=str.lower)
        missing = lowered["latitude"].isna()
        assert int(missing.sum()) == 107
        with pytest.raises(InputError, match=r"107 of 1000 values of `latitude`"):
            points_from_table(lowered)
        points = points_from_table(lowered[~missing])
        assert points.total_bounds.round(1).tolist() == [-74.2, 40.5, -73.7, 40.9]
