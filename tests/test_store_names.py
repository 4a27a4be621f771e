"""Folder names that every system takes, and targets that Windows would refuse."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridplan.commands import default_folder
from gridplan.errors import OutputError
from gridplan.store import target
from gridplan.store.names import safe_name

DEVICES = ("CON", "PRN", "AUX", "NUL", "COM1", "COM¹", "LPT9", "CONIN$")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("新镇街道", "新镇街道"),
        ("新镇：二期", "新镇：二期"),
        ("a:b/c\\d", "a_b_c_d"),
        ('<x>"y"|?*', "_x__y____"),
        ("v1.2", "v1.2"),
        ("name. . ", "name"),
        (".hidden", "hidden"),
        ("..", "run"),
        ("", "run"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("nul .txt", "_nul .txt"),
        ("console", "console"),
        ("COM10", "COM10"),
        ("lpt1", "_lpt1"),
        ("a\nb\x00", "a_b_"),
        ("长" * 100, "长" * 40),
    ],
)
def test_examples(text, name):
    assert safe_name(text) == name


@given(st.text() | st.sampled_from(DEVICES) | st.text(alphabet="con. :/\\nul1¹", max_size=8))
def test_any_text_becomes_a_name_that_any_system_takes(text):
    name = safe_name(text)
    assert safe_name(name) == name
    assert name
    assert len(name.encode("utf-8")) <= 121
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
    assert name[-1] not in " ." and name[0] not in " ."  # noqa: PT018 - one rule for both ends
    assert name.partition(".")[0].rstrip().upper() not in DEVICES


def test_the_default_folder_has_a_safe_name(tmp_path):
    folder = tmp_path / "新镇: 一期"
    folder.mkdir()
    assert default_folder(folder / "gridplan.toml") == folder / "runs" / "新镇_ 一期"
    assert default_folder(folder / "aux.toml") == folder / "runs" / "_aux"


@pytest.mark.parametrize("name", ["con", "town.", "a:b"])
def test_windows_refuses_such_a_target_in_words(tmp_path, monkeypatch, name):
    assert target.resolve_target(tmp_path / name) == tmp_path / name
    monkeypatch.setattr(target, "WINDOWS", True)
    with pytest.raises(OutputError, match=r"no name that Windows takes .* Take e.g. "):
        target.resolve_target(tmp_path / name)
