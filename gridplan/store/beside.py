"""Folders beside a run, which hold what was made of it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from gridplan.errors import Message, MissingInputError, OutputError, first_ids, ids_zh


def check_beside(
    folder: Path, files: Collection[str], *, what: Message, replace: bool, run: Path
) -> bool:
    """
    Refuse a folder that must not be written: a run's own, or one with foreign things.

    Parameters
    ----------
    folder : Path
    files : names of what the folder may hold
    what : Message
        What it is called, e.g. field check.
    replace : bool
        Whether an earlier one may be replaced.
    run : a run's folder or its ``plan.gpkg``

    Returns
    -------
    bool
        Whether the folder holds an earlier one.

    Raises
    ------
    MissingInputError, OutputError
    """
    if not run.exists():
        raise MissingInputError(Message(en=f"There is no run {run}.", zh=f"找不到运行成果 {run}。"))
    own = run if run.is_dir() else run.parent
    if folder == own.resolve() or own.resolve() in folder.parents:
        raise OutputError(
            Message(
                en=f"{folder} lies in the run's own folder, which holds nothing but the run. "
                f"Choose another --out.",
                zh=f"{folder} 位于成果文件夹内，该文件夹只存放成果。请另选 --out。",
            )
        )
    if not folder.is_dir() or not any(folder.iterdir()):
        return False
    others = sorted(one.name for one in folder.iterdir() if one.name not in files)
    if others:
        raise OutputError(
            Message(
                en=f"{folder} holds what no {what.en} has written: {first_ids(others)}. Choose "
                f"another --out.",
                zh=f"{folder} 中有并非{what.zh}的内容：{ids_zh(others)}。请另选 --out。",
            )
        )
    if not replace:
        raise OutputError(
            Message(
                en=f"{folder} holds an earlier {what.en}. Add --replace, or choose another --out.",
                zh=f"{folder} 已有{what.zh}。请加 --replace 或另选 --out。",
            )
        )
    return True
