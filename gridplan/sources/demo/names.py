"""Names that sound like the canal plain and belong to nobody."""

from __future__ import annotations

import numpy as np

_FIRST = "云禾柳鹭枫澄蘅棠芦荻菱莲荷汀溪沁泓漪渔樵稻穗桑榆槐桐梧杏梅兰"
_SECOND = "泾浦塘浜汇渡桥湾墅庄圩荡里桂竹松菊苇萍鸢鹤雁燕鸥锦绣瑞祥和安"
_LAPS = ("", "北", "南", "东", "西", "中", "上", "下", "新", "老")
_ESTATE_ENDINGS = {
    "commodity": ("花园", "名苑", "家园", "雅居", "华庭", "景苑", "公寓", "名邸"),
    "resettlement": ("新村", "佳苑", "新苑"),
    "village": ("村",),
    "dormitory": ("职工公寓", "员工宿舍"),
}
_CANAL_ENDINGS = ("塘", "河", "港", "浦")
_NUMERALS = "一二三四五六七八九十"

PUBLIC_NAMES = {
    "school": "学校",
    "hospital": "医院",
    "market": "农贸市场",
    "civic": "文体中心",
    "commercial": "商业中心",
}
"""What a public or commercial house is called after its stem."""


class NameBook:
    """Hands out two-character stems in a seeded order, each once before any lap repeats."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 12])
        stems = [first + second for first in _FIRST for second in _SECOND]
        self._stems: list[str] = [
            stems[place] for place in self._rng.permutation(len(stems)).tolist()
        ]
        self._next = 0

    def stem(self) -> str:
        """Return a stem that was not handed out before."""
        lap, place = divmod(self._next, len(self._stems))
        self._next += 1
        number, side = divmod(lap, len(_LAPS))
        return f"{self._stems[place]}{_LAPS[side]}{number or ''}"

    def estate(self, kind: str) -> str:
        """Return the name of an estate of this kind."""
        return self.stem() + str(self._rng.choice(_ESTATE_ENDINGS[kind]))

    def canal(self) -> str:
        """Return the name of a canal."""
        return self.stem() + str(self._rng.choice(_CANAL_ENDINGS))

    def streets(self, keys: list[str], canals: dict[str, str]) -> dict[str, str]:
        """Return a street name for each key; streets along a bank are called after the canal."""
        names: dict[str, str] = {}
        for key in keys:
            if "-bank" in key:
                canal = canals.get(key.replace("-bank", ""))
                names[key] = f"{canal}滨河路" if canal else self.stem() + "滨河路"
            else:
                names[key] = self.stem() + ("巷" if key.startswith("local") else "路")
        return names


def ordinal(place: int) -> str:
    """
    Return a small number in Chinese, larger ones in digits.

    Examples
    --------
    >>> ordinal(1), ordinal(11)
    ('一', '11')
    """
    return _NUMERALS[place - 1] if place <= len(_NUMERALS) else str(place)
