"""The settings of `[measures]`: what gates, bridges and service points cost beside rooms."""

from __future__ import annotations

import pydantic

from gridplan.access import ShortcutOptions
from gridplan.rooms import LinkPrices
from gridplan.setting_fields import FROZEN, Section, setting


class MeasureSettings(Section):
    """`[measures]`: rooms, gates and bridges for one budget; a kind without a cost stays out."""

    model_config = FROZEN
    budget: float | None = setting(
        None,
        en="What rooms, gates, bridges and service points may cost together; not set: "
        "`[siting].budget`.",
        zh="活动室、出入口、桥梁、服务点合计的造价上限；不填则同 `[siting].budget`。",
        unit="元",
        gt=0,
    )
    gate_cost: float | None = setting(
        None,
        en="One gate opened: one that is closed, or proposed where a street ends at a wall; not "
        "set: not considered.",
        zh="开放一处出入口的费用：经核实不通的，或道路止于围墙处建议的；不填则不考虑。",
        unit="元",
        ge=0,
    )
    new_gate_cost: float | None = setting(
        None,
        en="One gate cut into a wall along which a street passes, with no gate near; not set: not "
        "considered.",
        zh="在围墙上新开一处出入口的费用（墙外有道路、附近没有出入口处）；不填则不考虑。",
        unit="元",
        ge=0,
    )
    new_gates_apart_m: float = setting(
        100.0,
        en="New gates are looked for this far from each other and from gates that are there.",
        zh="新开出入口彼此之间及与已有出入口的最小距离。",
        unit="m",
        gt=0,
    )
    bridge_cost_per_m: float | None = setting(
        None,
        en="A footbridge over water, per metre of the link; not set: not considered.",
        zh="跨水人行桥每米造价（按连通线长度）；不填则不考虑。",
        unit="元/m",
        ge=0,
    )
    crossing_cost_per_m: float | None = setting(
        None,
        en="A way across a railway, per metre of the link; not set: not considered.",
        zh="过轨通道每米造价；不填则不考虑。",
        unit="元/m",
        ge=0,
    )
    path_cost_per_m: float | None = setting(
        None,
        en="A path that joins streets with nothing between, per metre; not set: not considered.",
        zh="连通断开道路（其间无阻隔）的步道每米造价；不填则不考虑。",
        unit="元/m",
        ge=0,
    )
    shortcut_gap_m: float = setting(
        150.0,
        en="Bridges, crossings and paths (those with a cost) are also looked for between streets "
        "that are connected, where they lie at most this far apart in a straight line.",
        zh="已连通的道路之间，直线距离不超过此值处，也寻找可建的桥、过轨通道与步道（仅限填写了造价的种类）。",
        unit="m",
        gt=0,
    )
    shortcut_detour: float = setting(
        3.0,
        en="And where the walk today is at least so many times the straight line.",
        zh="且现有步行距离至少为直线距离的此倍数。",
        ge=1,
    )
    most_shortcuts: int = setting(
        20,
        en="Such links that are looked at: those first by which the most residents save most; 0: "
        "none.",
        zh="此类连通线的数量上限（按受益居民与节省步行之积取前若干处）；0 为不寻找。",
        ge=0,
    )
    service_point_cost: float | None = setting(
        None,
        en="A further service point of a committee at one of `service_points`; not set: not "
        "considered.",
        zh="在 `service_points` 所列场地增设居委会服务点的费用；不填则不考虑。",
        unit="元",
        ge=0,
    )
    service_points: tuple[str, ...] = setting(
        (),
        en="Candidate sites (site_id) that may host a service point in place of a room.",
        zh="可设居委会服务点（代替活动室）的候选场地编号。",
    )
    most_links: int = setting(
        8,
        en="Gates and bridges that are tried in all combinations: in turns the one that saves most "
        "and the one that saves most per yuan, beside those before it; the others are looked "
        "at by ones and twos beside the best mix, the bound allows for them, and those that are "
        "not taken are listed with the reason.",
        zh="参与组合比较的出入口与桥梁数量上限（轮流取在已取者之外节省步行最多者、每元节省最多者），"
        "其余在最优组合之外逐一、逐对考察，下界将其计入，未采用的列出并注明原因。",
        ge=0,
    )

    @pydantic.field_validator("service_points")
    @classmethod
    def _one_of_each(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({one.strip() for one in value if one.strip()}))

    @property
    def prices(self) -> LinkPrices:
        """What links cost, by their kind."""
        return LinkPrices(
            gate=self.gate_cost,
            new_gate=self.new_gate_cost,
            bridge_per_m=self.bridge_cost_per_m,
            crossing_per_m=self.crossing_cost_per_m,
            path_per_m=self.path_cost_per_m,
        )

    @property
    def shortcuts(self) -> ShortcutOptions:
        """Where connected streets are to be joined by a shorter way."""
        return ShortcutOptions(
            gap_m=self.shortcut_gap_m, detour=self.shortcut_detour, most=self.most_shortcuts
        )

    @property
    def asked(self) -> bool:
        """Some other measure than a room has a cost."""
        point = self.service_point_cost is not None and bool(self.service_points)
        return point or any(one is not None for one in self.prices.by_kind.values())
