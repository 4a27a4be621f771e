"""The rules of a plan, each with its severity and its words."""

from __future__ import annotations

from types import MappingProxyType

from gridplan.verify.rule import Rule, hard, soft
from gridplan.verify.wording_people import DEMAND, SITING
from gridplan.verify.wording_zones import ZONE_SYSTEMS

_TABLES = {
    "layer_missing": hard(
        "There is no layer `{layer}`: {detail}. Add it.",
        "缺少图层 `{layer}`，{detail}。请补充该图层。",
    ),
    "column_missing": hard(
        "Columns that `{layer}` lacks: {ids}. What they hold cannot be verified; add them.",
        "`{layer}` 缺少 {count} 个字段：{ids}，相关内容无法核验，请补充。",
    ),
    "id_missing": hard(
        "Rows of `{layer}` without `{detail}`: {count} ({ids}). Give each its own.",
        "`{layer}` 有 {count} 行没有 `{detail}`：{ids}。请逐行补全。",
    ),
    "id_repeated": hard(
        "Values of `{layer}`.`{detail}` that occur more than once: {count} ({ids}). "
        "Each must name one object.",
        "`{layer}`.`{detail}` 中有 {count} 个值重复：{ids}。每个编号只能对应一个对象。",
    ),
    "not_measured": hard(
        "The check `{detail}` could not be carried out: {ids}. Mend the shapes of its layers.",
        "核验项 `{detail}` 无法完成：{ids}。请先修复相关图层的图形。",
    ),
    "proof_differs": hard(
        "Figures of the summary that differ from what was measured: {ids} ({detail}). "
        "Compute the plan again; do not publish these figures.",
        "摘要中有 {count} 个数值与实测不符：{ids}（{detail}）。请重新计算，勿发布这些数值。",
    ),
    "summary_differs": hard(
        "Blocks of the summary that differ from the copy in the plan's GeoPackage: {count} "
        "({ids}). One of the two was changed; compute the plan again.",
        "摘要中有 {count} 个部分与成果 GeoPackage 内的副本不一致：{ids}。"
        "其中之一被改动过，请重新计算。",
    ),
}

_SHAPES = {
    "no_geometry": hard(
        "Rows of `{layer}` without a shape: {count} ({ids}). Draw it, or delete the row.",
        "`{layer}` 有 {count} 行没有图形：{ids}。请补画图形或删除该行。",
    ),
    "not_polygon": hard(
        "Shapes of `{layer}` that are no polygons: {count} ({ids}). Only polygons have an area.",
        "`{layer}` 有 {count} 个图形不是面：{ids}。应全部为面图形。",
    ),
    "invalid": hard(
        "Invalid shapes of `{layer}`, e.g. crossing themselves: {count} ({ids}; {detail}). "
        "Redraw their outline; until then they cover nothing here.",
        "`{layer}` 有 {count} 个图形无效（如自相交）：{ids}（{detail}）。"
        "请重画轮廓；在此之前视为不覆盖任何土地。",
    ),
    "multipart": hard(
        "Shapes of `{layer}` in several separate parts: {count} ({ids}). Make each part one of its "
        "own, or give it to a neighbour.",
        "`{layer}` 有 {count} 个图形由互不相连的多块组成：{ids}。请拆成单独图形或并入相邻图形。",
    ),
    "parted_building": soft(
        "Shapes of `{layer}` in parts that a building holds together, whose middle lies beyond the "
        "boundary: {count} ({ids}). Nothing is to be done, unless the boundary is wrong there.",
        "`{layer}` 有 {count} 个图形分为多块，由一栋中部在边界外的建筑相连：{ids}。"
        "除非该处边界有误，无需处理。",
    ),
    "hole": soft(
        "Shapes of `{layer}` with holes: {count} ({ids}). Unless the land demands it, "
        "join the hole or split the shape.",
        "`{layer}` 有 {count} 个图形带洞：{ids}。若非地形所需，请并入洞内部分或拆分。",
    ),
    "sliver": soft(
        "Slivers in `{layer}`: {count}, the narrowest {amount} m wide ({ids}). "
        "Merge them into a neighbour.",
        "`{layer}` 有 {count} 个狭长碎片，最窄 {amount} 米：{ids}。请并入相邻图形。",
        "m",
    ),
    "spike": soft(
        "Shapes of `{layer}` with a spike (a corner sharper than 1°): {count}, up to {amount} m "
        "long ({ids}). Delete the vertex at its tip.",
        "`{layer}` 有 {count} 个图形带尖刺（夹角小于 1°），最长 {amount} 米：{ids}。"
        "请删除尖端节点。",
        "m",
    ),
    "exception_missing": soft(
        "Cells outside {detail} m² that do not say why: {count}, by up to {amount} m² ({ids}). "
        "Name the reason in `exception`.",
        "{count} 个单元网格面积不在 {detail} 平方米之内且未注明原因，最大相差 {amount} 平方米："
        "{ids}。请在 `exception` 中注明。",
        "m2",
    ),
    "exception_unknown": soft(
        "Cells whose `exception` is not one of {detail}: {count} ({ids}). Use one of these.",
        "{count} 个单元网格的 `exception` 不在 {detail} 之列：{ids}。请使用规定的原因。",
    ),
    "area_column": hard(
        "Values of `{layer}`.`area_m2` that differ from the shape: {count}, by up to {amount} m² "
        "({ids}). Compute the column again.",
        "`{layer}`.`area_m2` 有 {count} 个值与图形面积不符，最大相差 {amount} 平方米：{ids}。"
        "请重新计算该字段。",
        "m2",
    ),
}

_TILING = {
    "boundary_moved": hard(
        "The layer `boundary` is not the boundary that was read: {amount} m² lie between the two "
        "({ids}). What is proved of `boundary` must hold of the real one; restore it.",
        "图层 `boundary` 与读入的边界不一致，两者之间相差 {amount} 平方米（{ids}）。"
        "核验必须针对真实边界，请恢复。",
        "m2",
    ),
    "gap": hard(
        "Gaps between the shapes of `{layer}`: {count}, in all {amount} m² of the sub-district, "
        "beside: {ids}. Every square metre must belong to one; extend a neighbour.",
        "`{layer}` 之间有 {count} 处空隙，合计 {amount} 平方米，邻近：{ids}。"
        "每一寸土地都应有归属，请扩展相邻图形补齐。",
        "m2",
    ),
    "outside": hard(
        "Shapes of `{layer}` that reach beyond the boundary: {count}, by {amount} m² ({ids}). "
        "Cut them at the boundary.",
        "`{layer}` 有 {count} 个图形超出边界，合计 {amount} 平方米：{ids}。请沿边界裁切。",
        "m2",
    ),
    "overlap": hard(
        "Pairs of shapes of `{layer}` that overlap: {count}, by {amount} m² ({ids}). "
        "Give the common land to one of them.",
        "`{layer}` 有 {count} 对图形重叠，合计 {amount} 平方米：{ids}。重叠部分只能归其一。",
        "m2",
    ),
    "shape_repeated": hard(
        "Shapes of `{layer}` that lie there twice: {count}, on {amount} m² ({ids}). Delete one of "
        "each.",
        "`{layer}` 有 {count} 个图形重复，共 {amount} 平方米：{ids}。请各删除其一。",
        "m2",
    ),
    "edges_differ": soft(
        "Shapes of `{layer}` whose borders do not match their neighbours' vertex by "
        "vertex: {count} ({ids}). Maps may show hairlines there; snap the vertices.",
        "`{layer}` 有 {count} 个图形与邻边的节点不一致：{ids}。地图上可能出现细缝，请对齐节点。",
    ),
    "building_cut": hard(
        "Buildings in more than one cell: {count}, with {amount} m² in the others ({ids}). "
        "Move the cells' borders round them.",
        "{count} 栋建筑被单元网格切割，落在其他网格的面积合计 {amount} 平方米：{ids}。"
        "请让网格边界绕开建筑。",
        "m2",
    ),
    "community_crossed": hard(
        "Cells that reach beyond their community: {count}, by {amount} m² ({ids}). "
        "Cut them at the community's line, or correct their `community_id`.",
        "{count} 个单元网格超出所属社区，合计 {amount} 平方米：{ids}。"
        "请沿社区界裁切，或更正 `community_id`。",
        "m2",
    ),
    "community_unknown": hard(
        "Rows of `{layer}` with a community that does not exist, or none: {count} ({ids}). "
        "Correct their `community_id`.",
        "`{layer}` 有 {count} 行的社区不存在或为空：{ids}。请更正 `community_id`。",
    ),
}

_CODES = {
    "code_not_text": hard(
        "Codes of cells that are numbers, not text: {count} ({ids}). Spreadsheets round them and "
        "drop zeros; store `cell_id` as text.",
        "{count} 个网格编码是数字而非文本：{ids}。电子表格会改动数字，请将 `cell_id` 存为文本。",
    ),
    "code_malformed": hard(
        "Codes of cells that are not of the form {detail}: {count} ({ids}). Correct them, or name "
        "their standard in a column `standard`.",
        "{count} 个网格编码不符合格式 {detail}：{ids}。请更正，或在 `standard` 字段注明所用标准。",
    ),
    "code_community": hard(
        "Codes of cells that do not begin with the code of their community: {count} ({ids}). "
        "Codes may have been swapped; correct code or community.",
        "{count} 个网格编码的前段与所属社区不符：{ids}。编码可能互换，请更正编码或社区。",
    ),
    "code_order": soft(
        "Cells numbered out of order (west to east, north to south in each community): "
        "{count} ({ids}). Codes may have been swapped.",
        "{count} 个网格的序号不合顺序（社区内自西向东、自北向南）：{ids}。编码可能互换。",
    ),
}

_BOUNDS = {
    "bounds_incomplete": hard(
        "Units whose borders in words lack a side, have one twice or without text, or that do not "
        "exist: {count} ({ids}). Write all four sides of each.",
        "{count} 个单元的四至不完整（缺侧、重复、无文字或单元不存在）：{ids}。请补全四侧。",
    ),
    "conflict_sums": hard(
        "The places where departments differ and those where they agree do not add up to the "
        "sub-district: {ids}, {amount} m² apart. Work the conflicts out again.",
        "部门边界冲突与一致之处的面积合计与辖区不符：{ids}，相差 {amount} m²。请重新计算冲突。",
        unit="m²",
    ),
    "handover_area": hard(
        "Handovers that are not what the zones of the department give and take: {count} ({ids}), "
        "{amount} m² in all. Work them out again.",
        "{count} 处移交与该部门新旧分区之差不符：{ids}，共 {amount} m²。请重新计算移交。",
        unit="m²",
    ),
    "successor_twice": hard(
        "Zones of departments that several unified zones carry on: {count} ({ids}). Give each one "
        "successor.",
        "{count} 个部门分区由多个统一责任区承接：{ids}。每个分区只应有一个承接。",
    ),
    "duty_not_one": hard(
        "Classes of enforcement without exactly one responsible body in a zone: {count} ({ids}). "
        "Name one.",
        "{count} 项执法责任在责任区内不是恰有一个单位：{ids}。请明确一个。",
    ),
    "bounds_length": hard(
        "Units whose sides in words are not as long as their border: {count} ({ids}). "
        "Write them again.",
        "{count} 个单元的四至各侧长度之和与其界线长度不符：{ids}。请重新书写。",
    ),
}

_LINEAGE = {
    "lineage_kind": hard(
        "Lines of `{layer}` whose kind is not one of {detail}: {count} ({ids}). Use one of these.",
        "`{layer}` 有 {count} 行的类别不在 {detail} 之列：{ids}。请使用规定的类别。",
    ),
    "lineage_ends": hard(
        "Lines of `{layer}` that lack an end, or have one too many: {count} ({ids}). Only `new` "
        "has no parent, only `left` no child.",
        "`{layer}` 有 {count} 行缺少或多出一端：{ids}。只有 `new` 无上代，只有 `left` 无下代。",
    ),
    "lineage_unknown": hard(
        "Cells named in `{layer}` that are neither in `cells` nor in `cells_retired`: {count} "
        "({ids}). Correct the id.",
        "`{layer}` 中有 {count} 个网格既不在 `cells` 也不在 `cells_retired` 中：{ids}。"
        "请更正编号。",
    ),
    "lineage_incomplete": hard(
        "Cells of which `{layer}` does not say where they come from, or retired ones of which it "
        "does not say what became of them: {count} ({ids}). Add a line for each.",
        "`{layer}` 未说明 {count} 个网格的来历或去向：{ids}。请逐一补充。",
    ),
    "lineage_shares": hard(
        "Cells whose `{detail}` in `{layer}` does not sum to 1, by up to {amount}, or lies outside "
        "0 to 1: {count} ({ids}). Compute the shares again.",
        "`{layer}` 中有 {count} 个网格的 `{detail}` 合计不为 1（最大相差 {amount}）"
        "或不在 0 至 1 之间：{ids}。请重新计算份额。",
    ),
    "code_reused": hard(
        "Codes of retired cells that are in use again: {count} ({ids}). A code is never used "
        "twice; give the cells new ones.",
        "有 {count} 个已作废的网格编码被再次使用：{ids}。编码不得重复启用，请改用新编码。",
    ),
}

_LINKS = {
    "committee_unknown": hard(
        "Committees named in `{layer}` that do not exist: {count} ({ids}). Correct the id.",
        "`{layer}` 中有 {count} 个居委会并不存在：{ids}。请更正编号。",
    ),
    "committee_not_own": hard(
        "Demand points whose own committee is not one of their community by "
        "`community_committees`: {count} ({ids}). Correct table or committee.",
        "{count} 个需求点的所属居委会与 `community_committees` 不符：{ids}。请更正该表或居委会。",
    ),
    "frontier_rises": hard(
        "Steps of `{layer}` whose objective is worse than with fewer rooms: {count} ({ids}). "
        "The plan of the fewer rooms is better; compute them again.",
        "`{layer}` 中有 {count} 步的目标值比更少活动室时还差：{ids}。请重新计算。",
    ),
    "frontier_bound": hard(
        "Rows of `{layer}` whose bound is better than the objective: {count} ({ids}). "
        "One of the two is wrong.",
        "`{layer}` 中有 {count} 行的界优于目标值：{ids}。两者必有一误。",
    ),
    "nested_closes": hard(
        "Steps of the nested sequence that close a room of the step before: {count} ({ids}). "
        "It may only add rooms.",
        "嵌套序列中有 {count} 步撤掉了前一步的活动室：{ids}。该序列只能增加活动室。",
    ),
    "answer_residents": hard(
        "Answers of `{layer}` that do not account for all residents: {ids}. Within, beyond and "
        "unreachable must add up to all.",
        "`{layer}` 中下列答案的居民合计与总数不符：{ids}。达标、超标与不可达之和应为总数。",
    ),
    "left_differs": hard(
        "Answers whose residents beyond the norm are not those listed by place in `{layer}`: "
        "{ids}. List each of them.",
        "`{layer}` 按地点列出的居民与下列答案的未覆盖居民不符：{ids}。请逐处列全。",
    ),
    "reasons_differ": hard(
        "Places whose reasons in `{layer}` are missing, tell other residents or another kind than "
        "`rooms`, or a saving or a next-best site of what is there today: {count} ({ids}). Compute "
        "them again.",
        "{count} 处场所在 `{layer}` 中没有理由，居民数或类型与 `rooms` 不符，或为现有场所列出节省"
        "或次优场地：{ids}。请重新计算。",
    ),
    "staff_gap": hard(
        "Places of `{layer}` whose gap is not the staff needed less the staff there: {count} "
        "({ids}). Where the staff there is not given, there is no gap.",
        "`{layer}` 中有 {count} 处的缺口不等于所需减现有：{ids}。现有人员未提供时不列缺口。",
    ),
    "measures_budget": hard(
        "Plans of `{layer}` that cost more than the budget: {ids}. Do not use them.",
        "`{layer}` 中下列方案的造价超出预算：{ids}。不可采用。",
    ),
    "measures_differ": hard(
        "Measures of `{layer}` that the mix does not name, or whose costs do not add up to its "
        "own: {count} ({ids}). Compute the mix again.",
        "`{layer}` 中有 {count} 项与组合所列措施不符，或造价合计不符：{ids}。请重新计算组合。",
    ),
    "measures_worse": hard(
        "In `{layer}` residents walk farther with the {ids} than with rooms alone, which it may "
        "consist of. Do not use it.",
        "`{layer}` 中 {ids} 方案的步行总和高于仅建活动室的方案，而后者也属可选组合。不可采用。",
    ),
    "staff_norm": hard(
        "The staff that committees need is {ids}, by the norm it is {detail}. Compute it again.",
        "居委会所需人员合计为 {ids}，按标准应为 {detail}。请重新计算。",
    ),
}

_ZONES = {
    "zone_disconnected": hard(
        "Zones in parts that share no border: {count} ({ids}). "
        "Exchange cells until each is in one piece.",
        "{count} 个责任区由互不相连的部分组成：{ids}。请调整单元网格使其连成一片。",
    ),
    "cell_in_two_zones": hard(
        "Cells in several zones of one system: {count} ({ids}). Each belongs to exactly one.",
        "{count} 个单元网格在同一体系中属于多个责任区：{ids}。每个网格只能属于一个。",
    ),
    "cell_without_zone": hard(
        "Cells in no zone of a system: {count} ({ids}). Assign each to one.",
        "{count} 个单元网格没有归入责任区：{ids}。请逐一归入。",
    ),
    "cell_unknown": hard(
        "Cells named in `{layer}` that do not exist: {count} ({ids}). Correct or "
        "delete those rows.",
        "`{layer}` 中有 {count} 个单元网格并不存在：{ids}。请更正或删除。",
    ),
    "zone_unknown": hard(
        "Zones named in `{layer}` that are not in the layer `zones`: {count} ({ids}). "
        "Draw them, or correct the name.",
        "`{layer}` 中有 {count} 个责任区不在图层 `zones` 中：{ids}。请补画或更正编号。",
    ),
    "zone_empty": hard(
        "Zones without a cell: {count} ({ids}). Delete them, or give them cells.",
        "{count} 个责任区没有单元网格：{ids}。请删除或分配网格。",
    ),
    "cell_zone_differs": hard(
        "Cells about which `cells`.`zone_id` and `cell_zones` disagree: {count} ({ids}). "
        "Both must name the same zone.",
        "`cells`.`zone_id` 与 `cell_zones` 对 {count} 个网格的归属不一致：{ids}。两处应相同。",
    ),
    "zone_polygon": hard(
        "Zones whose shape is not the union of their cells: {count}, wrong by {amount} m² "
        "({ids}). Dissolve the cells again.",
        "{count} 个责任区的图形与其网格之并不符，相差 {amount} 平方米：{ids}。请重新合并网格。",
        "m2",
    ),
    "zone_sums": hard(
        "Zones whose `{detail}` is not the sum over their cells or homes: {count}, by up to "
        "{amount} ({ids}). Add it up again.",
        "{count} 个责任区的 `{detail}` 与其网格或住房合计不符，最大相差 {amount}：{ids}。"
        "请重新汇总。",
    ),
    "zone_not_nested": hard(
        "Zones that are not inside the zone they name as parent: {count} ({ids}). "
        "Correct `parent_zone_id` or the zones.",
        "{count} 个责任区不在其上级责任区之内：{ids}。请更正 `parent_zone_id` 或责任区。",
    ),
    "zone_community": hard(
        "Zones that name one community but have cells in another: {count} ({ids}). "
        "Leave `community_id` empty where a zone spans several.",
        "{count} 个责任区注明属于一个社区，却含有其他社区的网格：{ids}。"
        "跨社区的责任区应将 `community_id` 留空。",
    ),
}

RULES: MappingProxyType[str, Rule] = MappingProxyType(
    {
        **_TABLES,
        **_SHAPES,
        **_TILING,
        **_CODES,
        **_BOUNDS,
        **_LINEAGE,
        **_LINKS,
        **_ZONES,
        **ZONE_SYSTEMS,
        **DEMAND,
        **SITING,
    }
)
"""All rules by key."""
