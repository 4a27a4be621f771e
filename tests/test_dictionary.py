"""The data dictionary describes all that a place may bring, in both languages."""

import re

import pytest

from gridplan.demand import DemandOptions
from gridplan.dictionary import CONTENTS, KINDS, POPULATION, POPULATION_REQUIRED, data_dictionary
from gridplan.errors import FaultList
from gridplan.network import snap
from gridplan.place import POPULATION_COLUMNS, SCHEMAS
from gridplan.project.population_headers import sort_headers
from gridplan.sources import osm_tags
from gridplan.sources.demo import tracts

HAN, LATIN = re.compile("[\u4e00-\u9fff]"), re.compile("[A-Za-z]{3}")
SECTIONS = dict(
    re.findall(r"^## `(\w+)`(.*?)(?=^## |\Z)", data_dictionary(), re.DOTALL | re.MULTILINE)
)


def rows_of(section: str) -> dict[str, str]:
    """Return the rows of a section by the word in their first cell."""
    return dict(re.findall(r"^\| `(\w+)` (\|.*)$", SECTIONS[section], re.MULTILINE))


@pytest.mark.parametrize(
    ("layer", "column"), [(layer, name) for layer in SCHEMAS for name in SCHEMAS[layer].columns]
)
def test_every_column_of_a_layer_is_described_in_both_languages(layer, column) -> None:
    row = rows_of(layer)[column]
    content = SCHEMAS[layer].columns[column]
    assert f"| {content.content} |" in row
    assert ("yes 是" in row) == content.required
    zh, en = row.split("|")[-3:-1]
    assert HAN.search(zh)
    assert zh.strip().endswith("。")
    assert LATIN.search(en)
    assert en.strip().endswith(".")


def test_the_population_table_is_the_one_that_is_read() -> None:
    rows = rows_of("population")
    assert {*POPULATION_COLUMNS, *POPULATION} == set(rows)
    for name, headers in POPULATION.items():
        assert ", ".join(headers) in rows[name]
        for header in headers:
            faults = FaultList()
            found = sort_headers([header], rename={}, groups=(), what="t", faults=faults)
            assert (dict(found.ours), faults.faults) == ({header: name}, [])
        assert ("yes 是" in rows[name]) == (name in POPULATION_REQUIRED)
        zh, en = rows[name].split("|")[-3:-1]
        assert HAN.search(zh)
        assert LATIN.search(en)


@pytest.mark.parametrize(
    ("layer", "used"),
    [
        ("buildings", {*DemandOptions().home_m2, *osm_tags.BUILDING_KINDS.values(),
                       *tracts.BUILDING_KINDS.values(), "unknown"}),
        ("estates", set(tracts.ESTATE_KINDS)),
        ("barriers", {*snap._WALL_KINDS, *snap._WATER_KINDS, *snap._RAIL_KINDS}),
        ("sites", {"existing", "candidate", "required"}),
    ],
)  # fmt: skip
def test_every_kind_the_program_knows_is_explained(layer, used) -> None:
    assert set(KINDS[layer, "kind"]) == used
    for kind in sorted(used):
        zh, en = rows_of(layer)[kind].split("|")[-3:-1]
        assert HAN.search(zh)
        assert LATIN.search(en)


def test_what_a_flag_takes_is_said() -> None:
    assert set(CONTENTS) == {
        column.content for schema in SCHEMAS.values() for column in schema.columns.values()
    }
    for word in ("是", "否", "true", "false", "1", "0", "empty", "空"):
        assert word in CONTENTS["flag"].en + CONTENTS["flag"].zh
    assert all(said.zh in data_dictionary() for said in CONTENTS.values())
