"""The embedded demo project is what the generator makes, and its card tells the truth."""

import re
import tomllib
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely

from gridplan.sources.demo import DemoOptions, make_town, write_project
from gridplan.sources.demo.__main__ import main
from gridplan.sources.demo.facts import measure

DATA = Path(__file__).parents[1] / "data"
EMBEDDED = DATA / "xinzhen"
TOY = DemoOptions(population=4_000, area_km2=1.0, seed=3)
CENTIMETRE = 0.01


@pytest.fixture(scope="module")
def town():
    return make_town()


def test_embedded_layers_are_the_generators_to_a_centimetre(town):
    path = EMBEDDED / "xinzhen.gpkg"
    assert sorted(pyogrio.list_layers(path)[:, 0]) == sorted(town.layers)
    for name, made in town.layers.items():
        kept = gpd.read_file(path, layer=name)
        assert len(kept) == len(made), name
        assert kept.crs.equals(made.crs, ignore_axis_order=True)
        assert list(kept.columns) == list(made.columns), name
        for column in made.columns.drop("geometry"):
            a, b = kept[column].astype(object), made[column].astype(object)
            assert a.where(a.notna(), None).tolist() == b.where(b.notna(), None).tolist(), column
        old, new = kept.geometry.to_numpy(), made.geometry.to_numpy()
        counts = shapely.get_num_coordinates(old)
        assert (counts == shapely.get_num_coordinates(new)).all(), name
        shift = shapely.get_coordinates(old) - shapely.get_coordinates(new)
        assert np.abs(shift).max() < CENTIMETRE, name


def test_embedded_table_is_the_generators(town):
    kept = pd.read_excel(EMBEDDED / "population.xlsx", dtype={"社区编码": str})
    pd.testing.assert_frame_equal(kept, town.population, check_dtype=False)


def test_codes_are_text_in_the_workbook():
    sheet = openpyxl.load_workbook(EMBEDDED / "population.xlsx").active
    codes = sheet["A"][1:]
    assert len(codes) == 11
    assert all(cell.data_type == "s" and cell.number_format == "@" for cell in codes)
    assert sheet.cell(1, 3).value == "常住人口"


def test_settings_name_the_files_beside_them():
    settings = tomllib.loads((EMBEDDED / "gridplan.toml").read_text(encoding="utf-8"))
    place = settings["place"]
    assert place["name"] == "新镇街道（演示）"
    assert place["crs"] == "EPSG:4549"
    assert place["as_of"].isoformat() == "2026-06-30"
    assert (EMBEDDED / place["layers"]).is_file()
    assert (EMBEDDED / place["population"]).is_file()
    assert settings["cells"] == {"method": "fabric", "target_m2": 10_000}
    assert settings["zones"] == {"k": 8}
    assert settings["siting"] == {"p": 12}


def test_the_data_stay_small():
    size = sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file())
    assert size <= 5_000_000


def test_same_options_same_bytes(tmp_path):
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    folders = [tmp_path / "one", tmp_path / "two" / "deep"]
    for folder in folders:
        toml = write_project(make_town(TOY), folder)
        assert toml == folder / "gridplan.toml"
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == ["gridplan.toml", "population.xlsx", "xinzhen.gpkg"]
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == before


def test_writing_again_replaces(tmp_path):
    town = make_town(TOY)
    write_project(town, tmp_path)
    first = (tmp_path / "xinzhen.gpkg").read_bytes()
    write_project(town, tmp_path)
    assert (tmp_path / "xinzhen.gpkg").read_bytes() == first


def test_no_clock_in_the_workbook(tmp_path):
    write_project(make_town(TOY), tmp_path)
    with zipfile.ZipFile(tmp_path / "population.xlsx") as book:
        assert {entry.date_time for entry in book.infolist()} == {(2026, 6, 30, 0, 0, 0)}
        core = book.read("docProps/core.xml").decode()
    assert set(re.findall(r">(\d{4}-\d\d-\d\dT[^<]+)<", core)) == {"2026-06-30T00:00:00Z"}


def test_the_card_quotes_the_measured_figures(town):
    card = (DATA / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```text\n(.*?)```", card, flags=re.DOTALL).group(1)
    quoted = dict(line.split(": ", 1) for line in block.strip().splitlines())
    assert quoted == measure(town)


def test_the_command_prints_figures_and_writes(tmp_path, capsys):
    main(["--population", "4000", "--area-km2", "1", "--seed", "3", "--out", str(tmp_path / "toy")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(tmp_path / "toy" / "gridplan.toml")
    assert "residents: 4000" in lines
    assert dict(line.split(": ", 1) for line in lines[1:]) == measure(make_town(TOY))
