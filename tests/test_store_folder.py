"""A run's folder appears whole or not at all."""

from __future__ import annotations

import shutil

import pytest

from gridplan.errors import OutputError
from gridplan.store import folder as rooms
from gridplan.store.folder import mend, staged, write_file
from gridplan.store.target import check_target


def make_run(path, word):
    path.mkdir(parents=True)
    for name in rooms.RUN_FILES:
        (path / name).write_text(word, encoding="utf-8")
    return path


def word_of(path):
    words = {(path / name).read_text(encoding="utf-8") for name in rooms.RUN_FILES}
    assert len(words) == 1, "files of two runs in one folder"
    return words.pop()


def write(path, word):
    with staged(path) as aside:
        for name in rooms.RUN_FILES:
            (aside / name).write_text(word, encoding="utf-8")


def leftovers(path):
    return [one.name for one in path.parent.iterdir() if one != path]


def test_a_new_run_and_a_replaced_one(tmp_path):
    target = tmp_path / "成果 1"
    write(target, "first")
    assert word_of(target) == "first"
    write(target, "second")
    assert word_of(target) == "second"
    assert leftovers(target) == []


def test_an_error_while_writing_leaves_the_old_run(tmp_path):
    target = make_run(tmp_path / "run", "old")

    def fail():
        with staged(target) as aside:
            (aside / "plan.gpkg").write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert word_of(target) == "old"
    assert leftovers(target) == []


def test_killed_while_writing(tmp_path):
    target = make_run(tmp_path / "run", "old")
    partial = rooms._beside(target, "partial-1")
    partial.mkdir()
    (partial / "plan.gpkg").write_text("half", encoding="utf-8")
    mend(target)
    assert word_of(target) == "old"
    assert leftovers(target) == []


def test_killed_before_the_first_rename(tmp_path):
    target = make_run(tmp_path / "run", "old")
    make_run(rooms._beside(target, "new"), "new")
    mend(target)
    assert word_of(target) == "new"
    assert leftovers(target) == []


def test_killed_between_the_renames(tmp_path):
    target = tmp_path / "run"
    make_run(rooms._beside(target, "old"), "old")
    make_run(rooms._beside(target, "new"), "new")
    mend(target)
    assert word_of(target) == "new"
    assert leftovers(target) == []


def test_killed_after_both_renames(tmp_path):
    target = make_run(tmp_path / "run", "new")
    make_run(rooms._beside(target, "old"), "old")
    mend(target)
    assert word_of(target) == "new"
    assert leftovers(target) == []


def test_old_run_alone_is_moved_back(tmp_path):
    target = tmp_path / "run"
    make_run(rooms._beside(target, "old"), "old")
    mend(target)
    assert word_of(target) == "old"


def test_a_running_command_is_not_disturbed(tmp_path):
    target = tmp_path / "run"
    with staged(target) as aside:
        mend(target)
        assert aside.is_dir()
        for name in rooms.RUN_FILES:
            (aside / name).write_text("mine", encoding="utf-8")
    assert word_of(target) == "mine"


def test_targets_that_are_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        check_target(file, replace=True)
    with pytest.raises(OutputError, match="cannot be written"):
        check_target(file / "below", replace=False)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.docx").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="holds no run"):
        check_target(other, replace=True)
    earlier = make_run(tmp_path / "run", "old")
    with pytest.raises(OutputError, match="Add --replace"):
        check_target(earlier, replace=False)
    check_target(earlier, replace=True)
    (earlier / "notes.docx").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"also holds what no run has written: notes.docx"):
        check_target(earlier, replace=True)
    check_target(earlier, replace=True, also=["notes.docx"])
    check_target(tmp_path / "new" / "deep", replace=False)


def test_a_folder_that_cannot_be_written():
    with pytest.raises(OutputError, match="cannot be written"):
        check_target(rooms.Path("/proc/gridplan/run"), replace=False)


def test_write_file_replaces_whole(tmp_path):
    path = tmp_path / "report.html"
    write_file(path, b"one")
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert leftovers(path) == []
    shutil.rmtree(tmp_path)
    with pytest.raises(OutputError, match="cannot be written"):
        write_file(path, b"three")
