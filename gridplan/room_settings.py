"""The settings of `[siting]`: where the activity rooms go, who decided what, what staff costs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Literal, Self

import pydantic

from gridplan.errors import Message, agreed
from gridplan.rooms import Asked, Decision, Extent, Objective, Phasing, TwoAims
from gridplan.setting_faults import house_fault, listed, refuse_together
from gridplan.setting_fields import FROZEN, Section, default_of, setting
from gridplan.siting import Limits

_PAIR = 2


class SiteDecision(Section):
    """`[[siting.decisions]]`: a candidate site that somebody wants open, closed, or moved to."""

    model_config = FROZEN
    site_id: str = setting(en="The candidate site.", zh="候选场地编号。")
    decision: Literal["required", "forbidden", "moved"] = setting(
        en='"required": has to be opened; "forbidden": stays closed; "moved": has to be opened '
        "in place of `moved_from`, which stays closed: one decision with one price.",
        zh='"required"：必须开设；"forbidden"：不得开设；"moved"：必须开设，以代替不再开设的 '
        "`moved_from`，作为一条决定计算一个代价。",
    )
    moved_from: str | None = setting(
        None,
        en='The candidate site that is given up, with "moved".',
        zh='"moved" 时放弃的候选场地编号。',
    )
    asked_by: str = setting(
        en="The office or role that asked for it; no person's name.",
        zh="提出的部门或岗位；不填个人姓名。",
    )
    reason: str = setting(en="Why.", zh="理由。")
    date: dt.date = setting(en="When it was decided.", zh="决定日期。")

    @pydantic.field_validator("site_id", "moved_from", "asked_by", "reason")
    @classmethod
    def _not_empty(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise house_fault(en="it should say something", zh="不能为空")
        return value if value is None else value.strip()

    @pydantic.model_validator(mode="after")
    def _from_one_to_another(self) -> Self:
        if (self.decision == "moved") != (self.moved_from is not None):
            raise house_fault(
                en=f'`moved_from` goes with decision = "moved" and only with it; {self.site_id} '
                f'has "{self.decision}" '
                + ("without" if self.moved_from is None else "with")
                + " `moved_from`",
                zh=f'`moved_from` 须且只能与 decision = "moved" 同用；{self.site_id} 为 '
                f'"{self.decision}"，'
                + ("缺少" if self.moved_from is None else "却填了")
                + " `moved_from`",
            )
        if self.moved_from == self.site_id:
            raise house_fault(
                en=f"{self.site_id} is moved to itself; give two sites",
                zh=f"{self.site_id} 改设到自身，应为两个不同的场地",
            )
        return self

    @property
    def as_decision(self) -> Decision:
        """The decision as the rooms take it."""
        return Decision(
            site_id=self.site_id,
            decision=self.decision,
            moved_from=self.moved_from,
            asked_by=self.asked_by,
            reason=self.reason,
            date=self.date,
        )


class SitingSettings(Section):
    """`[siting]`: where the activity rooms go."""

    model_config = FROZEN
    answer: Literal["A", "B", "C"] = setting(
        "C",
        en="The answer that the layers of the plan follow: A a room in every estate that can "
        "host one, B the fewest rooms that bring everybody within the norm, C `p` rooms or what "
        "`budget` allows. All three are compared in the report.",
        zh="方案图层采用的答案：A 有条件的小区各设一处，B 以最少活动室使居民均在标准距离内，"
        "C 新增 `p` 处或按 `budget` 选址。报告中三者均作比较。",
    )
    p: int = setting(12, en="New rooms to propose.", zh="拟新增活动室数量。", ge=0)
    objective: Objective = setting(
        default_of(Asked, "objective"),
        en='What answer C makes as good as it can: "mean" the mean walk, "share" the residents '
        'within the norm of a room, "longest" the longest walk, "p90" the walk that nine in ten '
        'do not exceed, "ede" the walk with aversion to long ones ([access].aversion).',
        zh='答案 C 的优化目标："mean" 平均步行最短，"share" 标准距离内居民最多，'
        '"longest" 最远步行最短，"p90" 九成居民步行上限最小，'
        '"ede" 计入远距离厌恶的等效步行最短（[access].aversion）。',
    )
    then: tuple[Objective, ...] = setting(
        default_of(Asked, "then"),
        en="Objectives of answer C after `objective`, each as good as can be among the choices "
        'that are good for those before, e.g. ["mean"] after "share".',
        zh='答案 C 在 `objective` 之后依次考虑的目标，逐级在前面目标达优的方案中求最优，如 "share" '
        '之后 ["mean"]。',
    )
    tolerance: float = setting(
        default_of(Asked, "tolerance"),
        en="By what share each objective before the last of `then` may be worse than its best.",
        zh="`then` 各级目标允许较其最优值变差的比例（末级除外）。",
        unit="share",
        ge=0,
        le=1,
    )
    least_share: float | None = setting(
        None,
        en="Share of all residents (by `group_weights`) who have to live within the norm of a "
        "room with answer C, whatever its objective.",
        zh="答案 C 中居住在活动室标准距离内的居民占全部居民的最低比例（按 `group_weights` 计权），"
        "作为约束条件。",
        unit="share",
        gt=0,
        le=1,
    )
    backup: int = setting(
        default_of(Asked, "backup"),
        en="Rooms or committees within the norm of every home with answer B: 2 is backup coverage. "
        "Of a home with fewer places and sites there, all of them.",
        zh="答案 B 中每处住房标准距离内的活动室或居委会数：2 为备用覆盖；"
        "可达场所与场地不足者取全部。",
        ge=1,
        le=5,
    )
    group_weights: dict[str, float] = setting(
        {},
        en="What a resident of a group counts in where rooms go, e.g. {age_60_plus = 2.0}; all "
        "others count 1. Figures of walks stay unweighted.",
        zh="选址时各人群居民的权重，如 {age_60_plus = 2.0}；其余居民为 1。各项步行指标均不加权。",
    )
    budget: float | None = setting(
        None,
        en="What answer C may cost, in place of `p`; sites need a `cost`.",
        zh="答案 C 的造价上限，代替 `p`；场地须有造价 `cost`。",
        unit="元",
        gt=0,
    )
    capacity: Literal["off", "soft", "hard"] = setting(
        "soft",
        en='Floor area against the graded norm ([norms].room_grade…): "soft" tells what rooms '
        'lack, "hard" gives no room more households than it holds (answer C), and all objectives '
        'and `least_share` are of the walks to the rooms given, "off" '
        "tells nothing. Rooms of unknown area, and committees, have no limit.",
        zh='场地面积与分级标准（[norms].room_grade…）："soft" 列出面积缺口，'
        '"hard" 各活动室服务户数不超过其容量（答案 C），各目标与 `least_share` 按到所分配活动室的'
        '步行计，"off" 不计。'
        "面积不详的场地与居委会不设上限。",
    )
    at_least: dict[str, int] = setting(
        {},
        en="Rooms that a community has at least with answers B and C, existing ones included, "
        'committees not: {"<community_id>" = 1}; each = 1 is for all that are not named.',
        zh='答案 B、C 中各社区活动室的下限（含现有，不含居委会）：{"<community_id>" = 1}；'
        "each = 1 适用于未单列的各社区。",
    )
    at_most: dict[str, int] = setting(
        {},
        en="Rooms that a community has at most, as `at_least`.",
        zh="各社区活动室的上限，写法同 `at_least`。",
    )
    phase_rooms: int | None = setting(
        None,
        en="Rooms per phase of answer A; not set: `phase_budget`, else `phases`.",
        zh="答案 A 每期活动室数；不填则按 `phase_budget`，再按 `phases`。",
        ge=1,
    )
    phase_budget: float | None = setting(
        None,
        en="Budget per phase of answer A. What a phase leaves over goes to the next; a room that "
        "costs more alone is built once enough is saved up.",
        zh="答案 A 每期预算。节余转入下一期；单处造价超过预算的活动室待资金积足后建设。",
        unit="元",
        gt=0,
    )
    phases: int = setting(
        default_of(Phasing, "phases"), en="Phases of answer A.", zh="答案 A 的期数。", ge=1
    )
    decisions: tuple[SiteDecision, ...] = setting(
        (),
        en="Sites that were decided on, as tables [[siting.decisions]]: site_id, decision "
        '("required", "forbidden", or "moved" with moved_from, the site given up), asked_by (an '
        "office or role), reason, date. Required ones are among the `p`.",
        zh='对场地的决定，写作表 [[siting.decisions]]：site_id、decision（"required" 必选、'
        '"forbidden" 禁用，或 "moved" 改设，另填 moved_from 原场地）、asked_by（部门或岗位）、'
        "reason、date。必选场地计入 `p`。",
    )
    worker_cost: float | None = setting(
        None,
        en="What one community worker or cadre costs a year; not set: not given.",
        zh="一名社区工作者或社区干部的年费用；不填则不列费用。",
        unit="元",
        gt=0,
    )
    frontier: int = setting(
        default_of(Extent, "rooms"),
        en="The curve of rooms goes from 1 to this number, or to the candidates.",
        zh="活动室数量曲线从 1 到此数（不超过候选场地数）。",
        ge=1,
    )
    frontier_objectives: tuple[Literal["share", "longest", "p90", "ede"], ...] = setting(
        default_of(Extent, "objectives"),
        en="Objectives that the curve also follows by searches of their own, each with its bound; "
        "the mean always is. Figures of all walks are told in any case.",
        zh="曲线另按哪些目标分别求解并给出界（平均步行总是求解）；各项步行指标均会列出。",
    )
    trade_off: tuple[Objective, ...] = setting(
        (),
        en='Two objectives whose frontier is sought, e.g. ["share", "mean"]: plans of `p` rooms, '
        "or of `budget`, of which none is better in both.",
        zh='求其前沿的两个目标，如 ["share", "mean"]：`p` 处或 `budget` 以内、'
        "两个目标均不劣的一组方案。",
    )
    trade_off_points: int = setting(
        default_of(TwoAims, "points"),
        en="Limits on the first of the two objectives that are tried.",
        zh="两个目标中第一个所取界限的个数。",
        ge=2,
        le=50,
    )
    frontier_work: float = setting(
        default_of(Extent, "work"),
        en="Counted work of that curve in all, in millions of pairs of home and site per step.",
        zh="该曲线的计算量上限（百万个“住处—场地”对·步）。",
        gt=0,
    )
    work: int = setting(
        default_of(Limits, "work"),
        en="Counted work after which one search stops.",
        zh="一次搜索的计算量上限。",
        gt=0,
    )
    time_s: float = setting(
        600.0,
        en="Safety stop in seconds; then the status says so.",
        zh="安全时限。",
        unit="s",
        gt=0,
    )

    @pydantic.field_validator("then", "frontier_objectives", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @pydantic.field_validator("trade_off", mode="before")
    @classmethod
    def _list_of_two(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            return value
        raise house_fault(
            en='it should be a list of two objectives, such as ["share", "mean"]',
            zh='应为两个目标的列表，如 ["share", "mean"]',
        )

    @pydantic.field_validator("at_least", "at_most", mode="before")
    @classmethod
    def _whole_counts(cls, given: object) -> object:
        wrong = (
            {
                key: number
                for key, number in given.items()
                if isinstance(number, bool) or not isinstance(number, int) or number < 0
            }
            if isinstance(given, Mapping)
            else {}
        )
        if wrong:
            raise house_fault(
                en=f"numbers of rooms are whole and 0 or more, not {listed(wrong)}",
                zh=f"活动室数量应为非负整数，现为 {listed(wrong)}",
            )
        return given

    @pydantic.field_validator("group_weights")
    @classmethod
    def _weights_not_negative(cls, given: dict[str, float]) -> dict[str, float]:
        wrong = {group: weight for group, weight in given.items() if weight < 0}
        if wrong:
            raise house_fault(
                en=f"weights of groups are 0 or more, not {listed(wrong)}",
                zh=f"人群权重不能小于 0，现为 {listed(wrong)}",
            )
        return given

    @pydantic.model_validator(mode="after")
    def _go_together(self) -> Self:
        pairs = (*self._of_capacity(), *self._of_objectives())
        refuse_together((*self._several_words(), *(said for wrong, said in pairs if wrong)))
        return self

    def _several_words(self) -> Iterator[Message]:
        ids = [site for one in self.decisions for site in one.as_decision.sites]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            yield Message(
                en=f"there should be one decision a site, but {listed(twice)} "
                f"{agreed(len(twice), 'has', 'have')} several",
                zh=f"每个场地只能有一条决定，而以下场地有多条：{listed(twice)}",
            )
        if self.phase_rooms is not None and self.phase_budget is not None:
            yield Message(
                en="give either `phase_rooms` or `phase_budget`, not both",
                zh="`phase_rooms` 与 `phase_budget` 只能填其一",
            )

    def _of_capacity(self) -> Iterator[tuple[bool, Message]]:
        """Yield what hard capacity does not go with: the other answers know no limit."""
        yield (
            self.capacity == "hard" and self.answer != "C",
            Message(
                en=f'`capacity = "hard"` goes with answer C, and `answer` is "{self.answer}"; '
                'change one of the two, or tell the shortfall with "soft"',
                zh=f'`capacity = "hard"` 只用于答案 C，而 `answer` 为 "{self.answer}"；请更改其一，'
                '或改用 "soft" 列出缺口',
            ),
        )

    def _of_objectives(self) -> Iterator[tuple[bool, Message]]:
        """Yield what several objectives do not go with."""
        asked = (self.objective, *self.then)
        yield (
            len(set(asked)) < len(asked),
            Message(
                en=f"`objective` and `then` name an objective twice: {', '.join(asked)}; give each "
                f"once",
                zh=f"`objective` 与 `then` 中有重复的目标：{'、'.join(asked)}；每个只填一次",
            ),
        )
        yield (
            self.tolerance > 0 and not self.then,
            Message(
                en="`tolerance` is about the objectives before the last, and there is one; give "
                "`then`, or take out `tolerance`",
                zh="`tolerance` 针对末级之前的目标，而目标只有一个；"
                "请填写 `then` 或去掉 `tolerance`",
            ),
        )
        yield (
            self.least_share is not None and "share" in asked,
            Message(
                en='`least_share` is a condition beside other objectives, and "share" is one of '
                "them; take out one of the two",
                zh='`least_share` 是其他目标的约束条件，而目标中已有 "share"；请去掉其一',
            ),
        )
        pair = len(self.trade_off)
        yield (
            pair not in {0, _PAIR} or len(set(self.trade_off)) < pair,
            Message(
                en=f"`trade_off` should name two objectives, not {listed(self.trade_off)}",
                zh=f"`trade_off` 应为两个不同的目标，现为 {listed(self.trade_off)}",
            ),
        )

    @property
    def two_aims(self) -> TwoAims | None:
        """The two objectives whose frontier is sought; None where none is."""
        if not self.trade_off:
            return None
        first, second = self.trade_off
        return TwoAims(first, second, self.trade_off_points)

    @property
    def numbered(self) -> bool:
        """Whether the plan follows a number of rooms, which has to be possible then."""
        return self.answer == "C" and self.budget is None

    @property
    def phasing(self) -> Phasing:
        """How much is built in one phase."""
        return Phasing(rooms=self.phase_rooms, budget=self.phase_budget, phases=self.phases)

    @property
    def extent(self) -> Extent:
        """How far the curve of rooms goes."""
        return Extent(
            rooms=self.frontier,
            work=self.frontier_work,
            objectives=tuple(dict.fromkeys(self.frontier_objectives)),
        )
