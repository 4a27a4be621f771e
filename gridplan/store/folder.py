"""A run's folder appears whole or not at all, and a kill at any moment is mended."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gridplan.errors import Message, OutputError

RUN_FILES = ("plan.gpkg", "summary.json", "manifest.json")
"""What a folder must hold to count as a run."""

RUN_CONTENTS = (*RUN_FILES, "timing.json", "report.html", "tables.xlsx", "figures")
"""What a run's folder may hold and lose when it is replaced."""

PREFIX = ".gridplan-"
"""Names that a command writes beside its target start so."""


def is_run(folder: Path) -> bool:
    """Say whether a folder holds a run."""
    return all((folder / name).is_file() for name in RUN_FILES)


def mend(folder: Path) -> None:
    """
    Finish or undo what an earlier command was killed in.

    A complete new run that waits beside the folder is moved in; an old run that
    was moved away without a successor is moved back; half-written ones whose
    writer is gone are deleted.
    """
    parent, new, old = folder.parent, _beside(folder, "new"), _beside(folder, "old")
    if not parent.is_dir():
        return
    for partial in sorted(parent.glob(f"{PREFIX}{glob.escape(folder.name)}.partial-*")):
        if partial.is_dir() and not _in_use(partial):
            shutil.rmtree(partial, ignore_errors=True)
    if new.is_dir():
        _swap_in(new, folder, old)
    elif old.is_dir() and not folder.exists():
        old.rename(folder)
    if old.is_dir() and folder.exists():
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """
    Give a folder to write in; on leaving without an error it becomes `folder`.

    It is written aside on the same file system, synced, the old folder renamed
    away, the new one renamed in, the old one deleted.
    """
    partial = _beside(folder, f"partial-{os.getpid()}")
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise refusal(folder.parent, error) from error
    try:
        with _held(partial):
            yield partial
        _sync(partial)
        new = _beside(folder, "new")
        partial.rename(new)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    old = _beside(folder, "old")
    _swap_in(new, folder, old)
    shutil.rmtree(old, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it, unless it is there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(folder, error) from error


def write_file(path: Path, content: bytes) -> None:
    """Replace one file whole: written beside it, synced, renamed over it."""
    partial = path.with_name(f"{PREFIX}{path.name}.partial-{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise refusal(path, error) from error


def _swap_in(new: Path, folder: Path, old: Path) -> None:
    try:
        if old.is_dir() and folder.exists():
            shutil.rmtree(old)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        _sync_folder(folder.parent)
    except OSError as error:
        raise OutputError(
            Message(
                en=f"{folder} could not be replaced ({error.strerror}); a file in it may be open "
                f"in another program. The new run is in {new}. Close the file and run any "
                f"command on the folder again.",
                zh=f"无法替换 {folder}（{error.strerror}），其中的文件可能正被其他程序打开。"
                f"新成果保存在 {new}。请关闭文件后再次执行任一命令。",
            )
        ) from error


def refusal(path: Path, error: Exception) -> OutputError:
    """Return the fault of a path that the system does not let us write."""
    why = getattr(error, "strerror", None) or error
    return OutputError(
        Message(
            en=f"{path} cannot be written ({why}). Choose another place.",
            zh=f"{path} 无法写入（{why}），请另选位置。",
        )
    )


def _beside(folder: Path, word: str) -> Path:
    return folder.parent / f"{PREFIX}{folder.name}.{word}"


def _lock_path(partial: Path) -> Path:
    return partial / ".lock"


@contextlib.contextmanager
def _held(partial: Path) -> Iterator[None]:
    """Hold a lock that the system releases when the process dies."""
    path = _lock_path(partial)
    with path.open("wb") as file:
        _lock(file.fileno())
        yield
    path.unlink(missing_ok=True)


def _in_use(partial: Path) -> bool:
    path = _lock_path(partial)
    if not path.exists():
        return False
    try:
        with path.open("r+b") as file:
            _lock(file.fileno())
    except OSError:
        return True
    return False


def _lock(descriptor: int) -> None:
    """Take an exclusive lock at once, or raise OSError."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("r+b") as file:
                os.fsync(file.fileno())
    for path in [*sorted(p for p in folder.rglob("*") if p.is_dir()), folder]:
        _sync_folder(path)


def _sync_folder(folder: Path) -> None:
    """Sync a folder's entries, where the system can (Windows cannot)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
