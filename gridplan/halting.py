"""The first Ctrl-C of a run keeps the best rooms found so far, the second ends the run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from gridplan.errors import Message
from gridplan.progress import Progress
from gridplan.siting import Stop

_STEP = "siting"
_HALTING = Message(
    en="Ctrl-C: the siting ends with the best plan so far, and the run goes on to its report. "
    "Press again to end without any.",
    zh="Ctrl-C：选址以当前最优方案结束，随后继续生成报告；再按一次则立即退出，不写任何成果。",
)


class Halt:
    """
    Listens to Ctrl-C while a run goes on, and to the run's steps for where it is.

    The key ends the run as ever outside of the siting, before there is a plan, and the second
    time.

    Parameters
    ----------
    say : callable
        Tells the planner what the key does.
    progress : callable, optional
        Told each step, too.

    Attributes
    ----------
    stop : Stop
        For the run, to look at.
    """

    def __init__(self, *, say: Callable[[Message], None], progress: Progress | None = None) -> None:
        self.stop = Stop()
        self._say, self._progress = say, progress
        self._step, self._ended = "", False
        self._before: signal.Handlers | Callable[[int, FrameType | None], object] | int | None
        self._before = None

    def __call__(self, step: str) -> None:
        """Note the step that begins, unless the run was to end."""
        # Whoever explains a proof keeps what is known, and goes on.
        if self._ended:
            raise KeyboardInterrupt
        self._step = step
        if self._progress is not None:
            self._progress(step)

    def __enter__(self) -> Self:
        """Listen, unless somebody else does, or nobody is meant to."""
        mine = threading.current_thread() is threading.main_thread()
        if mine and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self.pressed)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the key as it was."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def pressed(self, number: int, frame: FrameType | None) -> None:
        """Ask the siting to end, or end the run."""
        if self._step != _STEP or not self.stop.planned or self.stop.asked:
            self._ended = True
            signal.default_int_handler(number, frame)
        self.stop.asked = True
        self._say(_HALTING)
