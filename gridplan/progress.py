"""What a long command is doing, for whoever watches a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from gridplan.errors import Language, Message

Progress = Callable[[str], None]
"""Called with the name of each step as it begins."""

STEP_WORDS: Mapping[str, Message] = {
    "demo": Message(en="Making the demo town", zh="生成演示街道"),
    "read": Message(en="Reading and checking the input", zh="读取并检查输入"),
    "network": Message(en="Building the walking network", zh="建立步行路网"),
    "communities": Message(en="Drawing the communities' lines", zh="核定社区界线"),
    "demand": Message(en="Placing residents in buildings", zh="将人口分配到建筑"),
    "cells": Message(en="Drawing the cells", zh="划分单元网格"),
    "access": Message(en="Measuring the walks", zh="计算步行距离"),
    "siting": Message(en="Siting the activity rooms", zh="活动室选址"),
    "links": Message(en="Measuring doubtful gates and bridges", zh="测算存疑的出入口与桥梁"),
    "measures": Message(en="Comparing mixes of measures", zh="比选措施组合"),
    "services": Message(en="Drawing service areas", zh="绘制服务范围并分配容量"),
    "people": Message(en="Comparing residents as given and as placed", zh="核对人口数据与落位"),
    "zones": Message(en="Drawing the responsibility zones", zh="划分责任区"),
    "layers": Message(en="Gathering the layers", zh="整理图层"),
    "unify": Message(en="Making one boundary of the departments' zonings", zh="统一部门边界"),
    "bounds": Message(en="Putting borders into words", zh="书写四至"),
    "summary": Message(en="Working out the figures", zh="汇总指标"),
    "verify": Message(en="Verifying the plan", zh="检验成果"),
    "present": Message(en="Drawing maps and report", zh="绘制地图与报告"),
    "write": Message(en="Writing the run's folder", zh="写入成果文件夹"),
}
"""Steps of the commands in words."""


class StepPrinter:
    """Prints each step as it begins: its number, its name in words, the seconds so far."""

    def __init__(
        self,
        steps: Sequence[str],
        *,
        lang: Language,
        write: Callable[[str], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._steps = tuple(steps)
        self._lang: Language = lang
        self._write = write
        self._clock = clock
        self._began = clock()

    def __call__(self, step: str) -> None:
        """Print the line of one step."""
        number = self._steps.index(step) + 1 if step in self._steps else "·"
        words = STEP_WORDS[step].in_language(self._lang) if step in STEP_WORDS else step
        unit = "秒" if self._lang == "zh" else "s"
        seconds = self._clock() - self._began
        self._write(f"[{seconds:5.1f} {unit}] ({number}/{len(self._steps)}) {words} …")
