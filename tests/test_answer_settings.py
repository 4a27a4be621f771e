"""Settings of rooms that bind some answers only: which they are, and what is told of them."""

import pytest

from gridplan.pipeline import rehearse
from gridplan.project import read_project
from gridplan.room_settings import SitingSettings
from gridplan.steps.answer_settings import BOUND, binding_notes
from tests import tiny


def test_every_name_is_a_setting():
    assert set(BOUND) <= set(SitingSettings.model_fields)
    assert set("".join(BOUND.values())) == {"A", "B", "C"}


@pytest.mark.parametrize(
    ("given", "named", "en", "zh"),
    [
        ({"backup": 2}, ("backup",), "backup = 2 (answer B)", "采用答案 C，backup 对其不起作用"),
        (
            {"capacity": "hard"},
            ("capacity",),
            'capacity = "hard" (answer C). The other answers in the table are found without',
            "表中其余答案未计入这些设置。",
        ),
        (
            {"answer": "B", "p": 5, "budget": 3e6, "backup": 2},
            ("p", "budget", "backup"),
            "budget = 3000000 (answer C), backup = 2 (answer B)",
            "采用答案 B，p、budget 对其不起作用",
        ),
        (
            {"answer": "A", "at_least": {"each": 1}},
            ("at_least",),
            "at_least (answers B and C)",
            "at_least（答案 B、C）",
        ),
        ({"least_share": 0.8}, ("least_share",), "least_share = 0.8 (answer C)", "答案 C"),
    ],
)
def test_settings_that_bind_some_answers_only_are_told(given, named, en, zh):
    (note,) = binding_notes(SitingSettings(**given))
    assert note.ids == named
    assert en in note.message.en
    assert zh in note.message.zh
    idle = [one for one in named if given.get("answer", "C") not in BOUND[one]]
    assert ("no effect" in note.message.en) == bool(idle)


@pytest.mark.parametrize(
    "given",
    [{}, {"p": 12}, {"backup": 1}, {"capacity": "soft"}, {"answer": "A"}, {"objective": "share"}],
)
def test_what_binds_the_answer_that_is_followed_needs_no_note(given):
    assert binding_notes(SitingSettings(**given)) == []


def test_check_and_run_tell_it_and_the_other_answers_stay_as_they_are(tmp_path):
    project = tiny.write(tmp_path / "town", toml=tiny.TOML + "frontier = 1\n")
    plain = tiny.planned(project).layers["room_options"].set_index("answer")
    toml = tiny.TOML + "frontier = 1\nbackup = 2\n"
    project = tiny.write(tmp_path / "backed", toml=toml)
    told = [one.code for one in rehearse(*read_project(project))]
    assert told.count("settings_of_some_answers") == 1
    plan = tiny.planned(project)
    caveats = [one["en"] for one in plan.summary["caveats"]]
    assert sum("backup = 2 (answer B)" in one for one in caveats) == 1
    backed = plan.layers["room_options"].set_index("answer")
    for key in ("A", "C"):
        assert backed.loc[key, "sites"] == plain.loc[key, "sites"]
