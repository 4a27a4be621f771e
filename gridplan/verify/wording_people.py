"""The rules of residents, walks and rooms, with their words."""

from __future__ import annotations

from gridplan.verify.rule import hard, soft

DEMAND = {
    "residents_lost": hard(
        "`{detail}` in `demand` does not sum to what was read, {amount} residents apart: {ids}. "
        "Every resident read must be in `demand`.",
        "`demand` 中 `{detail}` 的合计与读入数不符，相差 {amount} 人：{ids}。"
        "读入的每一位居民都必须在 `demand` 中。",
        "residents",
    ),
    "residents_invalid": hard(
        "Counts in `demand`.`{detail}` that are negative, infinite or empty: {count} ({ids}). "
        "Counts start at 0.",
        "`demand`.`{detail}` 有 {count} 个值为负、无穷或空：{ids}。人数应不小于 0。",
    ),
    "population_differs": hard(
        "Rows of `{layer}` whose `{detail}` is not the sum over `demand`: {count}, by up to "
        "{amount} residents ({ids}). Add it up again.",
        "`{layer}` 有 {count} 行的 `{detail}` 与 `demand` 合计不符，最大相差 {amount} 人：{ids}。"
        "请重新汇总。",
        "residents",
    ),
    "demand_in_no_cell": hard(
        "Placed demand points that name no cell: {count} ({ids}). Assign each to its cell, or "
        "close the gap it lies in.",
        "{count} 个已落位的需求点没有所属单元网格：{ids}。请逐一归属，或补齐所在空隙。",
    ),
    "components_differ": hard(
        "Cells whose number of components is not that of the points in them: {count} ({ids}); "
        "{detail}. Count each component in one cell.",
        "{count} 个单元网格的部件数与其中的部件不符：{ids}；{detail}。"
        "每个部件应计入且仅计入一个网格。",
    ),
    "demand_elsewhere": soft(
        "Demand points outside the cell they name: {count}, up to {amount} m away ({ids}). "
        "Assign them again.",
        "{count} 个需求点不在其所属单元网格内，最远相距 {amount} 米：{ids}。请重新归属。",
        "m",
    ),
    "distance_negative": hard(
        "Negative distances in `{detail}`: {count} ({ids}). Distances start at 0.",
        "`{detail}` 有 {count} 个距离为负：{ids}。距离应不小于 0。",
    ),
    "distance_infinite": hard(
        "Infinite distances in `{detail}`: {count} ({ids}). "
        "Leave the distance empty and give a reason.",
        "`{detail}` 有 {count} 个距离为无穷大：{ids}。应留空并注明原因。",
    ),
    "distance_unexplained": hard(
        "Rows with neither a distance nor a reason in `{detail}`: {count} ({ids}). Give either.",
        "`{detail}` 有 {count} 行既无距离也无原因：{ids}。两者须有其一。",
    ),
    "distance_and_reason": hard(
        "Rows with both a distance and a reason for having none in `{detail}`: {count} ({ids}). "
        "Keep one.",
        "`{detail}` 有 {count} 行既有距离又注明无距离的原因：{ids}。只能保留其一。",
    ),
    "reason_unknown": hard(
        "Rows of `{detail}` with a reason that is not in the list: {count} ({ids}). "
        "Use a word of the list.",
        "`{detail}` 有 {count} 行的原因不在规定清单中：{ids}。请改用清单中的词。",
    ),
    "nearest_farther": hard(
        "Demand points whose nearest committee is farther than their own: {count}, by up to "
        "{amount} m ({ids}). Compute the distances again.",
        "{count} 个需求点到最近居委会的距离大于到所属居委会的距离，最多大 {amount} 米：{ids}。"
        "请重新计算。",
        "m",
    ),
    "facility_unknown": hard(
        "Demand points that walk to a place in `{detail}` that does not exist, or to none: "
        "{count} ({ids}). Correct the id.",
        "{count} 个需求点在 `{detail}` 中指向不存在的设施或为空：{ids}。请更正编号。",
    ),
    "served_unknown": hard(
        "Facilities in `{layer}` that do not exist: {count} ({ids}). Correct the ids.",
        "`{layer}` 中有 {count} 个设施不存在：{ids}。请更正编号。",
    ),
    "capacity_lost": hard(
        "Kinds in `{layer}` whose shares do not sum to the capacity that residents reach: "
        "{count} ({ids}). Compute the catchments again.",
        "`{layer}` 中有 {count} 类设施的居民分得容量之和与可达容量不符：{ids}。请重新计算。",
    ),
    "range_wrong": hard(
        "Rows of `{layer}` whose figure lies outside its own range: {count} ({ids}). "
        "Compute the table again.",
        "`{layer}` 中有 {count} 行的数值不在其变动范围内：{ids}。请重新计算。",
    ),
    "walk_too_short": soft(
        "Walks in `{detail}` that are shorter than the straight line: {count}, by up to {amount} m "
        "({ids}). Check where the points meet the streets.",
        "`{detail}` 有 {count} 个步行距离短于直线距离，最多短 {amount} 米：{ids}。"
        "请检查接入街道的位置。",
        "m",
    ),
}

SITING = {
    "room_not_a_site": hard(
        "Rooms at no candidate site: {count} ({ids}). Choose from `in_sites`.",
        "{count} 个活动室不在候选点之列：{ids}。只能从 `in_sites` 中选择。",
    ),
    "room_dropped": hard(
        "Existing or required rooms missing from the plan: {count} ({ids}). Keep them.",
        "方案中缺少 {count} 个既有或必设的活动室：{ids}。必须保留。",
    ),
    "room_forbidden": hard(
        "Rooms at forbidden sites: {count} ({ids}). Choose others.",
        "{count} 个活动室设在禁用点：{ids}。请另选。",
    ),
    "room_closed": hard(
        "Demand points served by a room that is not open, or by none: {count} ({ids}). "
        "Assign them to an open room.",
        "{count} 个需求点由未开放的活动室服务或没有活动室编号：{ids}。请改派到开放的活动室。",
    ),
    "site_overloaded": hard(
        "Sites that hold more than their capacity: {count}, by up to {amount} ({ids}). "
        "Move demand to others, or raise the capacity.",
        "{count} 个选址点的负荷超过容量，最多超出 {amount}：{ids}。请改派部分需求或提高容量。",
    ),
    "demand_nowhere": hard(
        "Demand points without a site: {count} ({ids}). Assign each to an open one.",
        "{count} 个需求点没有分配选址点：{ids}。请逐一分配到开放的选址点。",
    ),
    "demand_twice": hard(
        "Demand points assigned more than once: {count} ({ids}). Each goes to one site.",
        "{count} 个需求点被重复分配：{ids}。每个需求点只能去一处。",
    ),
    "pair_barred": hard(
        "Demand points assigned to a site they cannot reach: {count} ({ids}). Choose others.",
        "{count} 个需求点被分配到不可达的选址点：{ids}。请改派。",
    ),
    "room_figures": hard(
        "Rooms whose `{detail}` does not follow from `demand`: {count}, by up to {amount} "
        "({ids}). Compute it again.",
        "{count} 个活动室的 `{detail}` 与 `demand` 推算不符，最大相差 {amount}：{ids}。"
        "请重新计算。",
    ),
    "objective_differs": hard(
        "The siting claims the objective {detail}; from `demand` it is {ids}. "
        "Do not use its bound and gap.",
        "选址声称目标值为 {detail}，由 `demand` 推算为 {ids}。其下界与差距不可采用。",
    ),
    "objective_unchecked": soft(
        "The objective of the model {detail} cannot be computed again from the plan ({ids}).",
        "无法由方案重新计算模型 {detail} 的目标值（{ids}）。",
    ),
    "bound_wrong": hard(
        "The bound {ids} is better than the objective {detail}: no plan can be better than a true "
        "bound. One of the two is wrong.",
        "界值 {ids} 与目标值 {detail} 矛盾：任何方案都不可能优于真实的界。两者必有一误。",
    ),
    "gap_wrong": hard(
        "The gap is given as {detail}; |objective - bound| / |objective| is {ids}. Correct it.",
        "差距声称为 {detail}，按 |目标值 - 界| / |目标值| 应为 {ids}。请更正。",
    ),
    "status_unproven": hard(
        "The siting is called proven with a gap of {ids}. Call it `gap`, or close the gap.",
        "选址差距为 {ids}，却称已证明最优。应标为 `gap`，或继续求解至闭合。",
    ),
    "siting_count": hard(
        "The plan opens {ids} sites, where {detail} were asked for. Do not use it.",
        "方案开放了 {ids} 个选址点，要求为 {detail} 个。该方案不可采用。",
    ),
    "siting_budget": hard(
        "The opened sites cost {ids}, above the budget of {detail}. Do not use the plan.",
        "所选点的成本为 {ids}，超过预算 {detail}。该方案不可采用。",
    ),
    "siting_group": hard(
        "Groups with fewer or more open sites than asked for: {count} ({ids}). "
        "Do not use the plan.",
        "{count} 个分组的选址点数量不符合要求：{ids}。该方案不可采用。",
    ),
    "room_space": hard(
        "Rooms whose households, floor area needed and lacking do not agree with the graded norm: "
        "{count} ({ids}). Compute them again.",
        "{count} 处活动室的户数、所需面积与缺口不符合分级标准：{ids}。请重新计算。",
    ),
    "community_change": hard(
        "Communities whose figures before or after do not agree with the walks of `demand`, or "
        "that are missing: {count} ({ids}). Compute the table again.",
        "{count} 个社区的前后对照与 `demand` 的步行不符，或缺失：{ids}。请重新计算该表。",
    ),
    "room_elsewhere": hard(
        "Rooms that do not lie in the community of their column: {count} ({ids}). Correct "
        "`community_id`.",
        "{count} 处活动室不在其 `community_id` 所示社区内：{ids}。请更正。",
    ),
    "room_overfull": hard(
        "Rooms that are given more households than their floor area serves: {count} ({ids}). "
        "The capacity is hard: do not use the plan.",
        "{count} 处活动室分配的户数超过其面积可服务户数：{ids}。容量为硬性要求，该方案不可采用。",
    ),
    "assigned_wrong": hard(
        "Homes given to a room that is not open, or nearer than the nearest, or to none: {count} "
        "({ids}). Do not use the plan.",
        "{count} 处住房分配的活动室未开放、比最近处还近，或没有分配：{ids}。该方案不可采用。",
    ),
    "closing_differs": hard(
        "Costs of closing a room that the nearest places of the homes do not give: {count} "
        "({ids}). Compute the reasons again.",
        "不设某处活动室的代价与各住房最近场所不符，共 {count} 项：{ids}。请重新计算选点理由。",
    ),
    "given_closing": hard(
        "Figures of closing or moving a room in `{layer}` that cannot be true where residents are "
        "given rooms with a limit: {count} ({ids}). Compute the reasons again.",
        "`{layer}` 中有 {count} 项关闭或改设活动室的数据，在按容量分配居民时不可能成立：{ids}。"
        "请重新计算选点理由。",
    ),
    "next_breaks": hard(
        "Next-best sites that may not be opened in place of their room: {count} ({ids}), each with "
        "the rule of the siting that it breaks. Compute the reasons again.",
        "有 {count} 个次优场地不能替代其活动室，所违反的选址条件见冒号后：{ids}。"
        "请重新计算选点理由。",
    ),
    "decision_lost": hard(
        "Sites of decisions that the siting does not keep, or that the log does not tell: "
        "{count} ({ids}). Correct the decision log.",
        "有 {count} 个场地的决定未在选址中照办或未列入决定记录：{ids}。请更正决定记录。",
    ),
    "price_negative": hard(
        "Decisions that are said to make the objective better, though both plans are proven, or "
        "that have a price and a reason for none: {count} ({ids}). Price them again.",
        "有 {count} 条决定的代价有误（两个方案均已证明，目标值却更优；或既有代价又有其缺失原因）："
        "{ids}。请重新计算代价。",
    ),
    "price_together": hard(
        "All decisions together are said to cost less than one of them, or their price is told "
        "twice or of one alone: {count} ({ids}). Price them again.",
        "全部决定合计的代价小于其中某一条，或重复列出、只有一条决定，共 {count} 项：{ids}。"
        "请重新计算代价。",
    ),
    "stage_differs": hard(
        "Objectives of several whose value, bound or tolerance the walks of `demand` do not give: "
        "{count} ({ids}). Compute the siting again.",
        "多目标中有 {count} 个目标的数值、界或容许变差与 `demand` 的步行不符：{ids}。请重新选址。",
    ),
    "backup_differs": hard(
        "Residents with several places within the norm are {ids} by `nearest_facilities`, which "
        "the table of answers does not say. Compute it again.",
        "按 `nearest_facilities`，标准距离内有多处场所的居民为 {ids} 人，与答案对照表不符。"
        "请重新计算。",
    ),
    "trade_off_beaten": hard(
        "Plans of the frontier of two objectives that another one beats: {count} (rooms {ids}). "
        "Compute it again.",
        "两个目标的前沿中有 {count} 个方案被其他方案超过（活动室 {ids}）。请重新计算。",
    ),
    "walk_figures": hard(
        "Figures of `summary.{detail}` that the walks of `demand` do not give: {count} ({ids}). "
        "Compute them again.",
        "`summary.{detail}` 有 {count} 项与 `demand` 的步行不符：{ids}。请重新计算。",
    ),
    "answer_walks": hard(
        "Figures of the answer that the plan follows do not agree with the walks of `demand` to "
        "the places that `walked_to` names: {count} ({ids}). Compute the table again.",
        "所采用答案有 {count} 项与 `demand` 中（`walked_to` 所示场所的）步行不符：{ids}。"
        "请重新计算该表。",
    ),
    "siting_uncovered": hard(
        "Demand points without enough open sites within {detail} m: {count} ({ids}). "
        "Do not use the plan.",
        "{count} 个需求点在 {detail} 米内的选址点数量不足：{ids}。该方案不可采用。",
    ),
    "siting_share": hard(
        "A share of {ids} lives near an open site, where {detail} was asked for. "
        "Do not use the plan.",
        "居住在开放点附近的比例为 {ids}，要求为 {detail}。该方案不可采用。",
    ),
    "status_unknown": hard(
        "The status of the siting, {ids}, is not one of {detail}. Use one of these.",
        "选址状态 {ids} 不在 {detail} 之列。请使用规定的状态。",
    ),
}
