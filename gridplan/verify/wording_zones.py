"""The rules of zone systems: balance, band, nesting, anchors, kept zones, what they list."""

from __future__ import annotations

from gridplan.verify.rule import hard, soft

ZONE_SYSTEMS = {
    "zone_system_missing": hard(
        "Zone systems of the summary that have no cells: {count} ({ids}). Compute the plan again.",
        "摘要中有 {count} 个网格体系没有单元网格：{ids}。请重新计算。",
    ),
    "zone_balance_claim": hard(
        "Zones of which the summary says wrongly that they are within, or beyond, what is allowed: "
        "{count} ({ids}). Compute the plan again; do not publish the balance.",
        "摘要对 {count} 个分区是否在允许范围内的说法与实测不符：{ids}。请重新计算，勿发布。",
    ),
    "zone_band_wrong": hard(
        "Weights whose least and most are not the size band, or the tolerance of the mean, that is "
        "claimed: {count} ({ids}). Compute the plan again.",
        "有 {count} 个权重的上下限与所称规模区间或容差不符：{ids}。请重新计算。",
    ),
    "zone_homes_outside": soft(
        "Residents who live in none of the zones drawn ({ids}): {amount}. Means leave them out; "
        "close the gaps.",
        "有 {amount} 名居民不在任何所绘责任区内（{ids}），均值未计入；请补全空隙。",
    ),
    "zone_unbalanced": soft(
        "Zones beyond what is allowed: {count} ({ids}). What is allowed, and what is known of them "
        "({detail}). Exchange cells where it is not proven that they must be; else allow more, or "
        "divide the estate.",
        "{count} 个分区超出允许范围：{ids}。允许范围与已知原因（{detail}）。"
        "未证明必然超出的请调整网格，其余请放宽容差或分割小区。",
    ),
    "zone_crosses_community": hard(
        "Zones that cross a community line, or communities in several zones, though they nest "
        "(`{detail}`): {count} ({ids}). Exchange cells, or do not claim it.",
        "声明与社区嵌套（`{detail}`）却跨越社区线或分割社区：{count} 处（{ids}）。"
        "请调整网格或取消声明。",
    ),
    "zone_across": hard(
        "Zones that hang together only across water, a railway or a motorway and are not said to, "
        "or are said to and do not: {count} ({ids}). Exchange cells, add the bridge or path that "
        "the data lack, or let water part no zone of this system (`water_parts = false`). Which "
        "zones reach across is told in summary.json, under the system's `across`.",
        "仅越过水系、铁路或高速公路相连却未列明、或已列明而并非如此的分区：{count} 个（{ids}）。"
        "请调整网格归属，补录缺失的桥梁或通道，或对该体系设 `water_parts = false`（水系不分隔）。"
        "跨越的分区列于 summary.json 该体系的 `across` 项。",
    ),
    "zone_parent_unknown": hard(
        "Zones without a parent among those of the system {detail}: {count} ({ids}). Fill in "
        "`parent_zone_id`.",
        "{count} 个分区在体系 {detail} 中没有上级责任区：{ids}。请填写 `parent_zone_id`。",
    ),
    "zone_anchors": hard(
        "Anchors that are not in the cell they are said to stand in, or share a zone: {count} "
        "({ids}). A zone holds one.",
        "锚点不在所称网格内，或同在一个分区：{count} 处（{ids}）。每区只含一个锚点。",
    ),
    "zone_not_kept": hard(
        "Zones of {detail} that are kept, but have not the cells they had: {count} ({ids}; how "
        "many cells differ). Give them back.",
        "应保留的 {detail} 分区与原有网格不符：{count} 个（{ids}，括号内为相差网格数）。请恢复。",
    ),
    "zone_not_locked": hard(
        "Cells that are locked to a zone and are in another one: {count} ({ids}). Give them back.",
        "锁定于某分区却在其他分区的网格：{count} 个（{ids}）。请恢复。",
    ),
    "zone_moves": hard(
        "Figures of what changed zone since the earlier plan that do not follow from both: {count} "
        "({ids}). Compute the plan again; do not publish them.",
        "与原方案相比的分区变动有 {count} 项与两方案不符：{ids}。请重新计算，勿发布。",
    ),
    "zone_estates_cut": hard(
        "Estates said to be whole whose homes are in several zones, or said to be cut that are "
        "whole: {count} ({ids}). Name those in several zones in `estates_cut`.",
        "声称完整却分属多个分区、或声称被分开却完整的小区：{count} 个（{ids}）。"
        "请将分属多个分区的小区列入 `estates_cut`。",
    ),
    "zone_load_differs": hard(
        "Loads of zones that are not what their cells have: {count} ({ids}). Add them up again.",
        "{count} 项分区工作量与其网格合计不符：{ids}。请重新汇总。",
    ),
    "zone_figures": hard(
        "Zones whose `{detail}` does not follow from their shape, cells and homes: {count} "
        "({ids}). Compute it again.",
        "{count} 个分区的 `{detail}` 与其形状、网格及住房不符：{ids}。请重新计算。",
    ),
    "zone_summary": hard(
        "Figures of zone systems in the summary that do not follow from the zones: {count} "
        "({ids}). Compute the plan again; do not publish them.",
        "摘要中有 {count} 项网格体系指标与分区不符：{ids}。请重新计算，勿发布。",
    ),
    "zone_listing": hard(
        "Zones whose list of estates and buildings is not that of the homes in them: {count} "
        "({ids}). List them again.",
        "{count} 个分区的小区与建筑清单与其内住房不符：{ids}。请重新列出。",
    ),
}
