"""The examples of both pages that a reader opens first can be used as they stand."""

import re
import shutil

import gridplan


def block(page, kind, word):
    """Return the first block of a kind that holds a word."""
    found = re.findall(rf"```{kind}\n(.*?)```", page, flags=re.DOTALL)
    return next(one for one in found if word in one)


def test_rooms_by_hand_are_read_as_the_page_says(project_root, tmp_path):
    page = (project_root / "README.md").read_text(encoding="utf-8")
    for one in ("xinzhen.gpkg", "population.xlsx"):
        shutil.copy(project_root / "data" / "xinzhen" / one, tmp_path)
    (tmp_path / "rooms.csv").write_text(block(page, "csv", "site_id"), encoding="utf-8")
    settings = (project_root / "data" / "xinzhen" / "gridplan.toml").read_text(encoding="utf-8")
    place, siting = block(page, "toml", "rooms.csv").split("[siting]")
    settings = settings.replace("[place]\n", place, 1)
    settings = re.sub(r"(?m)^p = 12.*$", siting.strip(), settings, count=1)
    (tmp_path / "gridplan.toml").write_text(settings, encoding="utf-8")
    read, config = gridplan.read_project(tmp_path / "gridplan.toml")
    sites = read.sites.set_index("site_id")
    assert sites["kind"].to_dict() == {
        "R901": "existing",
        "R902": "candidate",
        "R903": "candidate",
    }
    assert sites.loc["R902", "cost"] == 350_000
    assert config.siting.p == 1


def test_both_pages_have_the_same_example(project_root):
    pages = [(project_root / one).read_text(encoding="utf-8") for one in
             ("README.md", "README.zh.md")]  # fmt: skip
    for kind, word in (("csv", "site_id"), ("toml", "rooms.csv")):
        assert block(pages[0], kind, word) == block(pages[1], kind, word)
