"""Answers from the ground that a project names, read from their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyproj

from gridplan.answers import ANSWER_LAYER, Answer, check_answers, latest_answers
from gridplan.errors import FaultList, InputError, Message
from gridplan.project.reading import keeping_faults
from gridplan.sources.vectors import layers_in, read_layer


def read_answers(path: Path, *, crs: pyproj.CRS) -> list[Answer]:
    """
    Return the answers of one returned file.

    Raises
    ------
    MissingInputError, InputError
        With one message per fault.
    """
    # The table of the allowed words has no geometry, and is no layer to choose from.
    if path.is_file() and ANSWER_LAYER not in layers_in(path):
        raise InputError(
            Message(
                en=f"{path.name} has no layer {ANSWER_LAYER}. Return the GeoPackage that "
                f"`gridplan fieldcheck` wrote.",
                zh=f"{path.name} 中没有图层 {ANSWER_LAYER}。请交回 `gridplan fieldcheck` 生成的"
                f" GeoPackage。",
            )
        )
    frame = read_layer(path, layer=ANSWER_LAYER)
    return check_answers(frame, crs=crs, source=path.name)


def read_all_answers(
    names: Sequence[str], folder: Path, *, crs: pyproj.CRS, faults: FaultList
) -> list[Answer]:
    """Return the last answer to each doubt over all files; what is wrong is added to `faults`."""
    files: list[list[Answer]] = []
    for name in names:
        if (folder / name).is_file():  # a file that is not there is told elsewhere
            with keeping_faults(faults):
                files.append(read_answers(folder / name, crs=crs))
    with keeping_faults(faults):
        return latest_answers(files)
    return []
