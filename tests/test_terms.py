import csv
from pathlib import Path

import pytest

import gridplan
from gridplan import terms
from gridplan.place import SCHEMAS
from gridplan.terms import FAMILIES, TERMS, UnknownTermError, known, term

CONTRACT_COLUMNS = tuple(
    """
    name community_id population households committee_id cell_uid cell_id zone_id area_m2
    valid_from exception valid_to reason parent_uid child_uid area_share population_share kind
    changed_on document zone_system parent_zone_id cells workload compactness estate_id walled
    gates room_id room_m committee_mean_m committee_max_m gate_id status demand_id
    population_register edge_id leg_m committee_m committee_reason nearest_committee_id
    nearest_committee_m nearest_committee_reason room_reason residents_own residents_nearest
    staff site_id ownership cost residents mean_m max_m phase assumed why u v length_m walkable
    """.split()  # noqa: SIM905 - one name a line would be a page
)


@pytest.mark.parametrize("column", CONTRACT_COLUMNS)
def test_every_column_of_the_contract_has_a_term(column: str) -> None:
    word = term(column, "column")
    assert word.zh
    assert word.en
    assert word.definition.zh.endswith("。")
    assert word.definition.en.endswith(".")


@pytest.mark.parametrize(
    ("family", "keys"),
    [
        ("reason", ["unreachable", "too_far_from_street", "no_committee", "unplaced"]),
        ("exception", ["sliver", "estate", "large_building", "water", "rural"]),
        ("kind", ["existing", "required", "proposed"]),
        ("status", ["proven", "gap", "infeasible", "stopped"]),
        ("lineage", ["kept", "recoded", "split", "merged", "moved", "new", "left"]),
        ("layer", [name for name in SCHEMAS if name not in {"barriers", "sites"}]),
    ],
)
def test_closed_lists_are_complete(family, keys) -> None:
    assert not [key for key in keys if not known(key, family)]


def test_no_key_twice_and_every_row_is_whole() -> None:
    path = Path(gridplan.__file__).with_name("terms.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    keys = [(row["family"], row["key"]) for row in rows]
    assert len(keys) == len(set(keys)) == sum(map(len, TERMS.values()))
    assert {row["family"] for row in rows} <= set(FAMILIES)
    assert {row["better"] for row in rows} == {"higher", "lower", "none"}
    assert all(value for row in rows for name, value in row.items() if name != "unit")


def test_lengths_and_areas_have_their_unit() -> None:
    units = {"_resident_m": "resident-metres", "_m": "m", "_m2": "m²", "_share": "share",
             "_min": "min"}  # fmt: skip
    for words in TERMS.values():
        for key, word in words.items():
            for suffix in [one for one in units if key.endswith(one)][:1]:
                assert word.unit == units[suffix], key


def test_a_word_of_several_families_is_told_apart() -> None:
    assert term("water", "exception").zh == term("water", "layer").zh
    assert term("water", "exception").definition != term("water", "layer").definition
    assert term("gap").family == "indicator"
    assert term("gap", "status").zh == "未证明最优"


def test_nothing_but_proven_is_called_optimal() -> None:
    for key, word in TERMS["status"].items():
        assert ("最优" in word.zh.replace("未证明最优", "")) == (key == "proven")


@pytest.mark.parametrize(
    ("key", "family", "near"),
    [("populaton", "column", "population"), ("unreachble", None, "unreachable")],
)
def test_an_unknown_key_is_an_error_in_words(key, family, near) -> None:
    with pytest.raises(UnknownTermError) as caught:
        term(key, family)
    assert isinstance(caught.value, KeyError)
    for line in (*caught.value.lines("en"), *caught.value.lines("zh")):
        assert key in line
        assert near in line


def test_terms_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        terms.TERMS["column"]["name"] = None  # type: ignore[index]
