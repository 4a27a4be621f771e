"""What is told of zones beyond what is allowed, and what is shown to keep them so."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridplan.errors import Message, amount
from gridplan.verify.findings import Finding
from gridplan.verify.rules import finding


def beyond_findings(
    name: str,
    weight: str,
    load: pd.Series[float],
    bounds: pd.DataFrame,
    shown: tuple[dict[str, str], dict[str, tuple[int, int, bool]]],
    cut: dict[str, tuple[str, ...]],
) -> list[Finding]:
    """Tell the zones beyond what is allowed, and which of them indivisible things keep so."""
    held, proven = shown
    away = np.maximum(load - bounds["most"], bounds["least"] - load)
    order = sorted(load.index, key=lambda one: (-float(away[one]), str(one)))
    ids = [
        f"{name}/{one} ({weight} {amount(float(load[one]))}"
        + (f"; {held[one]}" if one in held else "")
        + ")"
        for one in order
    ]
    detail = f"{amount(float(bounds['least'].min()))}–{amount(float(bounds['most'].max()))}"
    whole = [held[one] for one in order if one in held]
    moved = sum(one[0] in "+−" for one in whole)
    kept, fewest = _kept(len(whole) - moved, moved), _fewest(bounds["body"], proven)
    said = Message(
        en=f"{detail}{kept.en}{fewest.en}{_cut(cut).en}",
        zh=f"{detail}{kept.zh}{fewest.zh}{_cut(cut).zh}",
    )
    return finding("zone_unbalanced", ids, layer="zones", detail=said)


def _kept(alone: int, moved: int) -> Message:
    """Return how many zones one indivisible thing keeps beyond, by itself or moved."""
    en, zh = "", ""
    if alone:
        en += f"; {alone} of them by one estate or cell alone"
        zh += f"；其中 {alone} 个因单个小区或网格本身即超出"
    if moved:
        en += (
            f"; {moved} of them since one indivisible estate or cell more (+) or less (−) would "
            f"be too much"
        )
        zh += f"；其中 {moved} 个因再增（+）减（−）任一不可分小区或网格即越限"
    return Message(en=en, zh=zh)


def _cut(cut: dict[str, tuple[str, ...]]) -> Message:
    """Return the zones whose land is cut off, and no number of zones divides it evenly."""
    if not cut:
        return Message(en="", zh="")
    names = ["/".join(one) for _, one in sorted(cut.items())]
    return Message(
        en=f"; no number of zones divides the land of {', '.join(names)} within that, which joins "
        f"the rest at most by water that other zones cross, or by no border at all",
        zh=f"；{'、'.join(names)} 所在用地至多经由其他分区所跨越的水面与其余用地相连，"
        f"或与其余网格无公共边，分为任何个数均越限",
    )


def _fewest(body: pd.Series[str], proven: dict[str, tuple[int, int, bool]]) -> Message:
    """Return of which communities it is proven how many zones can be within at most."""
    shown = {one: found for one, found in proven.items() if body.eq(one).any()}
    if not shown:
        return Message(en="", zh="")
    count = sum(zones - within for zones, within, _ in shown.values())
    en = ", ".join(f"{one.lstrip('/') or 'all'} (at most {within} of {zones} within"
                   f"{', with as many zones on each piece of land as the norm has' * normed})"
                   for one, (zones, within, normed) in sorted(shown.items()))  # fmt: skip
    zh = "、".join(f"{one.lstrip('/') or '全部'}（{zones} 个中至多 {within} 个在范围内"
                   f"{'，各块用地的分区数按规范值' * normed}）"
                   for one, (zones, within, normed) in sorted(shown.items()))  # fmt: skip
    every = count == len(body)
    must_en = "all of them must be" if every else f"at least {count} of them must be"
    must_zh = "其全部必然超出" if every else f"其中至少 {count} 个必然超出"
    return Message(
        en=f"; {must_en}, for the indivisible estates and cells cannot be "
        f"grouped otherwise in {en}",
        zh=f"；已证明{must_zh}，因不可分小区与网格无法另行组合：{zh}",
    )
