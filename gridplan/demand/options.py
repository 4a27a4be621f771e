"""How residents are spread over homes, and which buildings are none."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class DemandOptions:
    """
    How residents are spread over the homes of their community.

    Attributes
    ----------
    home_m2 : mapping of building kind to m² of floor per resident
        Kinds that are not listed hold no residents. In an estate of kind
        ``resettlement`` that entry overrides ``residential``.
    floors : float
        Storeys where a building does not say.
    persons_per_household : float
        Residents per household, where the households of a building are known
        (they override floor space).
    """

    home_m2: MappingProxyType[str, float] = field(
        default_factory=lambda: MappingProxyType(
            {"residential": 35.0, "resettlement": 28.0, "village": 10.0, "dormitory": 5.0}
        )
    )
    floors: float = 2.0
    persons_per_household: float = 2.6


NOT_HOMES = frozenset(
    {
        "public", "commercial", "industrial", "office", "retail", "school", "kindergarten",
        "university", "hospital", "hotel", "government", "religious", "warehouse", "factory",
        "garage", "shed", "utility", "station", "transport", "agricultural", "greenhouse",
        "construction", "ruins", "other",
        "公共", "公共建筑", "公建", "公共服务", "行政办公", "办公", "商业", "商务", "酒店", "工业",
        "厂房", "仓库", "仓储", "学校", "教育", "幼儿园", "医院", "医疗", "文化", "体育", "宗教",
        "车库", "配套", "市政", "交通", "在建",
    }
)  # fmt: skip
"""Kinds of buildings that are known to hold no residents; others without home_m2 are told of."""
