"""Tests of `gridplan.sources.vectors`: formats, encodings, layers, systems, faults in words."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import sqlite3
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import CrsError, InputError, MissingInputError
from gridplan.sources.vectors import coordinate_faults, layers_in, read_layer


def estates(crs: object = "EPSG:4549") -> gpd.GeoDataFrame:
    shapes = [shapely.box(592_000, 3_482_000, 592_100, 3_482_100), None]
    shapes[1] = shapely.box(592_200, 3_482_000, 592_300, 3_482_100)
    columns = {"编码": ["001", "002"], "名称": ["花园新村", "周市苑"], "households": [300, None]}
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=4549)
    frame["households"] = frame["households"].astype("Int64")
    return frame.to_crs(crs)


def written(folder: Path, name: str, frame: gpd.GeoDataFrame | None = None, **options) -> Path:
    path = folder / name
    frame = estates() if frame is None else frame
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, **options)
    return path


def digests(folder: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.iterdir()}


class TestFormats:
    @pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.parquet", "a.fgb", "a.shp"])
    def test_each_gives_the_same_rows(self, tmp_path, name):
        crs = 4326 if name.endswith("geojson") else 4549
        options = {"encoding": "utf-8"} if name.endswith("shp") else {}
        path = written(tmp_path, name, estates(crs), **options)
        frame = read_layer(path, rename={"estate_id": "编码"}).sort_values("estate_id")
        assert frame["estate_id"].tolist() == ["001", "002"]
        assert frame["名称"].tolist() == ["花园新村", "周市苑"]
        assert frame.crs.to_epsg() == crs
        assert frame.geometry.name == "geometry"
        metres = frame.to_crs(4549)
        assert metres.area.tolist() == pytest.approx([10_000, 10_000], rel=1e-4)

    @pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.parquet"])
    def test_counts_with_gaps_stay_whole(self, tmp_path, name):
        crs = 4326 if name.endswith("geojson") else 4549
        counts = read_layer(written(tmp_path, name, estates(crs)))["households"]
        assert str(counts.dtype) == "Int64"
        assert counts.astype("string").fillna("-").tolist() == ["300", "-"]

    def test_a_geometry_column_of_another_name_is_renamed(self, tmp_path):
        path = written(tmp_path, "a.parquet", estates().rename_geometry("outline"))
        assert read_layer(path).geometry.name == "geometry"

    def test_heights_are_left_out(self, tmp_path):
        raised = estates().set_geometry(shapely.force_3d(estates().geometry, 3.5))
        assert not read_layer(written(tmp_path, "a.gpkg", raised)).geometry.has_z.any()

    def test_suffixes_in_capitals_are_read(self, tmp_path):
        path = written(tmp_path, "a.shp", encoding="utf-8")
        for part in list(tmp_path.iterdir()):
            part.rename(part.with_suffix(part.suffix.upper()))
        assert len(read_layer(path.with_suffix(".SHP"))) == 2


class TestLayers:
    @pytest.fixture
    def two(self, tmp_path) -> Path:
        path = written(tmp_path, "two.gpkg", layer="estates")
        return written(tmp_path, path.name, layer="boundary")

    def test_are_listed(self, two):
        assert layers_in(two) == ["estates", "boundary"]

    def test_of_a_parquet_file_there_is_one(self, tmp_path):
        assert layers_in(written(tmp_path, "town.parquet")) == ["town"]

    def test_one_is_chosen_by_name(self, two):
        assert len(read_layer(two, layer="boundary")) == 2

    def test_several_without_a_name_are_refused(self, two):
        with pytest.raises(InputError, match=r"holds 2 layers: estates, boundary\. Name one"):
            read_layer(two)

    def test_the_nearest_name_is_suggested(self, two):
        expected = r"no layer 'estate'; it has estates, boundary\. Did you mean 'estates'\?"
        with pytest.raises(InputError, match=expected):
            read_layer(two, layer="estate")

    def test_a_table_beside_one_layer_does_not_count(self, tmp_path):
        path = written(tmp_path, "a.gpkg", layer="estates")
        with sqlite3.connect(path) as base:
            base.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, n INTEGER)")
            base.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier) "
                "VALUES ('people', 'attributes', 'people')"
            )
        base.close()
        assert len(read_layer(path)) == 2
        with pytest.raises(InputError, match=r"a\.gpkg, people has no geometry"):
            read_layer(path, layer="people")


class TestReadOnly:
    def test_nothing_is_written(self, tmp_path):
        path = written(tmp_path, "a.gpkg")
        before = digests(tmp_path)
        read_layer(path)
        layers_in(path)
        assert digests(tmp_path) == before

    def test_a_geopackage_in_wal_mode_stays_as_it_is(self, tmp_path):
        path = written(tmp_path, "a.gpkg")
        base = sqlite3.connect(path)
        base.execute("PRAGMA journal_mode = wal")
        base.close()
        before = digests(tmp_path)
        assert len(read_layer(path)) == 2
        assert digests(tmp_path) == before

    def test_changes_that_another_program_holds_in_its_wal_are_read(self, tmp_path):
        path = written(tmp_path, "a.gpkg", SPATIAL_INDEX="NO")  # its triggers need GDAL
        other = sqlite3.connect(path)
        other.execute("PRAGMA journal_mode = wal")
        other.execute("UPDATE a SET \"编码\" = '009' WHERE \"编码\" = '001'")
        other.commit()
        before = digests(tmp_path)
        assert "a.gpkg-wal" in before
        assert sorted(read_layer(path)["编码"]) == ["002", "009"]
        assert digests(tmp_path) == before
        other.close()


class TestEncodings:
    @staticmethod
    def shapefile(folder: Path, encoding: str, *, page: str | None) -> Path:
        path = written(folder, "a.shp", encoding=encoding)
        path.with_suffix(".cpg").unlink(missing_ok=True)
        if page is not None:
            path.with_suffix(".cpg").write_text(page, encoding="ascii")
        return path

    @pytest.mark.parametrize(
        ("encoding", "page"),
        [
            ("utf-8", None),
            ("utf-8", "UTF-8"),
            ("gb18030", None),
            ("gb18030", "936"),
            ("gb18030", "GBK"),
            ("gb18030", "ANSI 936"),
            ("gb18030", "UTF-8"),  # a page that lies
            ("gb18030", "nonsense"),
            ("big5", "Big5"),
        ],
    )
    def test_names_are_right_whatever_the_page_says(self, tmp_path, encoding, page):
        frame = estates()
        frame["名称"] = ["花園", "周市"] if encoding == "big5" else frame["名称"]
        frame["编码"] = ["1", "2"]
        frame = frame.rename(columns={"编码": "code", "名称": "name"})
        path = written(tmp_path, "a.shp", frame, encoding=encoding)
        path.with_suffix(".cpg").unlink(missing_ok=True)
        if page is not None:
            path.with_suffix(".cpg").write_text(page, encoding="ascii")
        assert read_layer(path)["name"].tolist() == frame["name"].tolist()

    def test_names_of_columns_are_decoded_too(self, tmp_path):
        path = self.shapefile(tmp_path, "gb18030", page=None)
        assert {"编码", "名称"} <= set(read_layer(path).columns)

    def test_what_cannot_be_decoded_is_shown(self, tmp_path):
        frame = estates().rename(columns={"编码": "code", "名称": "name"})
        frame["name"] = ["XXXX", "YYYY"]
        path = written(tmp_path, "a.shp", frame, encoding="utf-8")
        path.with_suffix(".cpg").unlink()
        table = path.with_suffix(".dbf")
        table.write_bytes(table.read_bytes().replace(b"XXXX", b"\xff\xfe\xff\xfe"))
        with pytest.raises(InputError, match=r"tried utf-8, gb18030.*\\xff\\xfe") as caught:
            read_layer(path)
        assert "无法识别" in caught.value.lines("zh")[0]


class TestCrs:
    @staticmethod
    def without_prj(folder: Path) -> Path:
        path = written(folder, "a.shp", encoding="utf-8")
        path.with_suffix(".prj").unlink()
        return path

    def test_a_missing_one_is_refused_with_advice(self, tmp_path):
        with pytest.raises(CrsError, match=r"no \.prj.*crs = \"EPSG:…\".*x runs 592000"):
            read_layer(self.without_prj(tmp_path))

    def test_a_missing_one_is_taken_from_the_settings(self, tmp_path):
        frame = read_layer(self.without_prj(tmp_path), crs="EPSG:4549")
        assert frame.crs.to_epsg() == 4549

    def test_a_contradiction_is_refused(self, tmp_path):
        path = written(tmp_path, "a.gpkg")
        with pytest.raises(CrsError, match=r"says it is in CGCS2000.*the settings say WGS 84"):
            read_layer(path, crs=4326)

    def test_the_same_in_other_words_is_accepted(self, tmp_path):
        path = written(tmp_path, "a.shp", encoding="utf-8")  # .prj in ESRI's words
        assert read_layer(path, crs=4549).crs.to_epsg() == 4549

    def test_an_unknown_one_is_refused(self, tmp_path):
        with pytest.raises(CrsError, match="'EPSG:454' is no known coordinate system"):
            read_layer(written(tmp_path, "a.gpkg"), crs="EPSG:454")

    def test_geojson_is_in_degrees_by_its_standard(self, tmp_path):
        path = tmp_path / "a.geojson"
        path.write_text('{"type": "Point", "coordinates": [121, 31.4]}', encoding="utf-8")
        assert read_layer(path).crs.to_epsg() == 4326

    def test_geoparquet_without_one_is_refused(self, tmp_path):
        path = written(tmp_path, "a.parquet", estates().set_crs(None, allow_override=True))
        with pytest.raises(CrsError, match="does not say its coordinate system"):
            read_layer(path)


class TestFaults:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.gpkg", b""),
            ("a.gpkg", b"hello"),
            ("a.geojson", b'{"type": "FeatureCollection", "features": ['),
            ("a.json", b"[1, 2]"),
            ("a.parquet", b"PAR1"),
            ("a.txt", "文字".encode()),
        ],
    )
    def test_no_vector_file(self, tmp_path, name, content):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"{name} cannot be read as a vector file"):
            read_layer(path)

    def test_a_broken_geopackage_is_logged_and_refused(self, tmp_path, caplog):
        path = tmp_path / "a.gpkg"
        path.write_bytes(b"SQLite format 3\0" + b"0" * 200)
        with caplog.at_level(logging.WARNING), pytest.raises(InputError, match="not a database"):
            read_layer(path)
        assert "application_id" in caplog.text

    def test_no_such_file(self, tmp_path):
        with pytest.raises(MissingInputError, match=r"There is no file .*a\.gpkg"):
            layers_in(tmp_path / "a.gpkg")

    def test_a_folder(self, tmp_path):
        written(tmp_path, "a.gpkg")
        with pytest.raises(InputError, match=r"is a folder\. Name one file in it: a\.gpkg"):
            read_layer(tmp_path)

    def test_a_shapefile_with_parts_missing(self, tmp_path):
        path = written(tmp_path, "a.shp", encoding="utf-8")
        path.with_suffix(".shx").unlink()
        with pytest.raises(MissingInputError, match=r"lacks \.shx; there is only a\.cpg, a\.dbf"):
            read_layer(path)

    def test_a_part_of_a_shapefile(self, tmp_path):
        path = written(tmp_path, "a.shp", encoding="utf-8")
        with pytest.raises(InputError, match=r"a\.dbf is one part .* Name a\.shp instead"):
            read_layer(path.with_suffix(".dbf"))

    @pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
    def test_a_table_is_no_layer(self, tmp_path, name):
        table = pd.DataFrame({"a": [1]})
        path = tmp_path / name
        table.to_csv(path) if name.endswith("csv") else table.to_parquet(path)
        with pytest.raises(InputError, match="has no geometry: it is a table"):
            read_layer(path)

    def test_a_layer_of_nulls_has_no_geometry(self, tmp_path):
        empty = estates().set_geometry(gpd.GeoSeries([None, None], crs=4549))
        with pytest.raises(InputError, match="has no geometry"):
            read_layer(written(tmp_path, "a.gpkg", empty))

    def test_both_faults_of_a_rename_are_told(self, tmp_path):
        path = written(tmp_path, "a.gpkg")
        with pytest.raises(InputError) as caught:
            read_layer(path, rename={"estate_id": "编号", "households": "名称"})
        missing, twice = caught.value.lines("en")
        assert "no column '编号' to rename" in missing
        assert "['households'] twice" in twice


def points(x: list[float], y: list[float], crs: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=crs)


class TestCoordinateFaults:
    @pytest.mark.parametrize(
        ("x", "y", "crs", "message"),
        [
            (121.0, 31.4, 4549, r"declared EPSG:4549 but the coordinates look like degrees"),
            (31.4, 121.0, 4326, r"longitude and latitude look exchanged \(x 31\.4"),
            (31.4, 85.0, 4326, r"longitude and latitude look exchanged"),
            (593_000, 3_483_000, 4326, r"declared EPSG:4326 \(degrees\) but .* look projected"),
            (3_483_000, 593_000, 4549, r"easting and northing look exchanged"),
            (40_593_000, 3_483_000, 4549, r"zone number 40, .* e\.g\. EPSG:4528"),
        ],
    )
    def test_are_found(self, x, y, crs, message):
        (fault,) = coordinate_faults(points([x], [y], crs), "estates")
        assert re.search(f"^estates: .*{message}", fault.en)
        assert fault.zh.startswith("estates：")

    @pytest.mark.parametrize(
        ("x", "y", "crs"),
        [
            (121.0, 31.4, 4326),
            (-3.0, 51.6, 4326),
            (8.7, 49.4, 4326),
            (593_000, 3_483_000, 4549),
            (40_593_000, 3_483_000, 4528),
            (490_000, 5_710_000, 32630),
        ],
    )
    def test_are_not_found_where_all_is_well(self, x, y, crs):
        assert coordinate_faults(points([x], [y], crs), "estates") == []

    def test_tell_infinite_ones(self):
        (fault,) = coordinate_faults(points([float("inf")], [0.0], 4549), "gates")
        assert "some coordinates are no numbers" in fault.en

    def test_of_nothing_are_none(self):
        assert coordinate_faults(points([], [], 4549), "gates") == []

    @given(lon=st.floats(73.6, 135.0), lat=st.floats(18.2, 53.5))
    @settings(max_examples=30, deadline=None)
    def test_each_place_in_china_is_right_one_way_round_only(self, lon, lat):
        assert coordinate_faults(points([lon], [lat], 4326), "a") == []
        assert len(coordinate_faults(points([lat], [lon], 4326), "a")) == 1
        assert len(coordinate_faults(points([lon], [lat], 4549), "a")) == 1


@pytest.mark.real
class TestRealFiles:
    def test_gbk_without_page_gives_the_right_names(self, shared):
        frame = read_layer(shared("readers/gbk_chongqing") / "区县界_area.shp")
        assert len(frame) == 38
        assert {"奉节县", "云阳县", "渝中区"} <= set(frame["NAME"])
        assert frame["ADMINCODE"].str.fullmatch(r"5002\d\d|5001\d\d").all()

    def test_a_grid_without_prj_is_refused_then_read(self, shared):
        path = shared("readers/no_prj_grid") / "grid.shp"
        with pytest.raises(CrsError, match="does not say its coordinate system"):
            read_layer(path)
        frame = read_layer(path, crs="EPSG:4326")
        assert len(frame) == 9_005
        assert coordinate_faults(frame, "grid") == []
        wrong = read_layer(path, crs="EPSG:4549")
        assert "look like degrees" in coordinate_faults(wrong, "grid")[0].en

    @pytest.mark.parametrize("name", ["district.shp", "district.prj"])
    def test_an_incomplete_set_says_what_is_there(self, name, shared):
        path = shared("readers/incomplete") / name
        expected = r"lacks \.shp, \.shx, \.dbf; there is only district\.cpg, district\.prj"
        with pytest.raises(MissingInputError, match=expected):
            read_layer(path)

    def test_a_geopackage_in_a_read_only_folder(self, tmp_path, shared):
        source = shared("cn_shanghai_tiles/shanghai_bund_lujiazui_tiles.gpkg")
        copy = Path(shutil.copy(source, tmp_path))
        before = digests(tmp_path)
        tmp_path.chmod(0o500)
        try:
            frame = read_layer(copy, layer="buildings")
        finally:
            tmp_path.chmod(0o700)
        assert frame["osm_id"].nunique() == 1_517
        assert digests(tmp_path) == before
