"""What a terminal shows of a long command, and that nothing else shows it."""

from __future__ import annotations

import contextlib
import os
import re
import sys

import pytest

from gridplan import commands
from gridplan.cli import app
from gridplan.progress import STEP_WORDS, StepPrinter
from tests import tiny


def test_every_step_has_words():
    assert set(commands.DEMO_STEPS) == STEP_WORDS.keys()


@pytest.mark.parametrize(
    ("lang", "line"),
    [
        ("en", "[  2.5 s] (2/3) Drawing the cells …"),
        ("zh", "[  2.5 秒] (2/3) 划分单元网格 …"),
    ],
)
def test_a_line_has_number_words_and_seconds(lang, line):
    lines, times = [], iter([10.0, 12.5])
    printer = StepPrinter(
        ["read", "cells", "write"], lang=lang, write=lines.append, clock=lambda: next(times)
    )
    printer("cells")
    assert lines == [line]


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals on Windows")
def test_a_terminal_shows_every_step(tmp_path, monkeypatch, capsys):
    import pty

    project = tiny.write(tmp_path)
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:  # noqa: PTH123 - a descriptor, no path
        monkeypatch.setattr(sys, "stderr", terminal)
        app(["run", str(project), "--lang", "en"], standalone_mode=False)
        monkeypatch.undo()
    shown = b""
    # Once the other end is closed, reading ends with nothing or, on Linux, with an error.
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    first, *lines = shown.decode("utf-8").splitlines()
    count = len(commands.RUN_STEPS)
    assert first == "Loading …"
    assert [int(re.match(r"\[ *[\d.]+ s\] \((\d+)/", line)[1]) for line in lines] == [
        *range(1, count + 1)
    ]
    assert all(f"/{count}) " in line for line in lines)
    assert "Report: " in capsys.readouterr().out
