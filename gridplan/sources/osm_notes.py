"""What was done to the objects of an OpenStreetMap file, as notes for the planner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gridplan.errors import Message, Note, first_ids

_SENTENCES = {
    "osm_ways_cut": (
        "{n} ways refer to absent nodes and were cut there, with no link across the gap: {ids}.",
        "{n} 条道路引用了文件中没有的节点，已在该处断开：{ids}。断口两侧不相连。",
    ),
    "osm_nodes_absent": (
        "{n} nodes of ways are absent from the file: {ids}.",
        "文件缺少道路引用的 {n} 个节点：{ids}。",
    ),
    "osm_ways_pointless": (
        "{n} ways have no two known nodes and were left out: {ids}.",
        "{n} 条道路的已知节点不足两个，未采用：{ids}。",
    ),
    "osm_nodes_merged": (
        "{n} nodes lie exactly on the next node of their way and were taken as one: {ids}.",
        "{n} 个节点与同一道路上的相邻节点完全重合，已合并：{ids}。",
    ),
    "osm_highways_not_there": (
        "{n} highways are proposed, under construction or gone and were left out: {ids}.",
        "{n} 条道路为规划、在建或已废弃，未采用：{ids}。",
    ),
    "osm_highway_areas": (
        "{n} highways are areas (squares, platforms), not lines, and were left out: {ids}.",
        "{n} 条道路为面状（广场、站台等），未作为线路采用：{ids}。",
    ),
    "osm_barriers_underground": (
        "{n} canals, rivers or railways run in tunnels and are no barriers: {ids}.",
        "{n} 条水道或铁路位于地下，不作为阻隔：{ids}。",
    ),
    "osm_areas_open": (
        "{n} ways are tagged as areas but do not close, and were left out: {ids}.",
        "{n} 条线标注为面但未闭合，未采用：{ids}。",
    ),
    "osm_areas_incomplete": (
        "{n} areas lack nodes or members, or have crossing rings, and were left out: {ids}.",
        "{n} 个面因缺少节点或成员、或边界相交而无法构成，未采用：{ids}。",
    ),
    "osm_water_assembled": (
        "{n} waters leave the file; what lies in it was put together from their banks: {ids}.",
        "{n} 处水体超出文件范围，已由岸线拼出范围内的部分：{ids}。",
    ),
    "osm_water_banks": (
        "{n} waters leave the file and cannot be put together; their banks are barriers: {ids}.",
        "{n} 处水体超出文件范围且无法拼合，其岸线作为阻隔：{ids}。",
    ),
    "osm_areas_repaired": (
        "{n} areas crossed themselves and were mended: {ids}.",
        "{n} 个面自相交，已修复：{ids}。",
    ),
    "osm_floors_unread": (
        "{n} buildings have a number of floors that cannot be read: {ids}.",
        "{n} 栋建筑的层数无法识别：{ids}。",
    ),
    "osm_repeated": (
        "{n} objects occur more than once in the file; the newest was taken: {ids}.",
        "{n} 个对象在文件中重复出现，采用最新的一个：{ids}。",
    ),
    "osm_box_implausible": (
        "The box that the file declares is far larger than its content and was not used.",
        "文件声明的范围远大于其内容，未采用。",
    ),
}


@dataclass(slots=True)
class Notes:
    """Collects what had to be done to the objects, by note code."""

    ids: dict[str, list[str]] = field(default_factory=dict)

    def add(self, code: str, ids: Iterable[str]) -> None:
        """Add ids to a note."""
        self.ids.setdefault(code, []).extend(ids)

    def made(self) -> tuple[Note, ...]:
        """Return the notes that concern anything, in the order of `_SENTENCES`."""
        return tuple(
            Note(
                code,
                len(self.ids[code]),
                Message(
                    en=en.format(n=len(self.ids[code]), ids=first_ids(self.ids[code])),
                    zh=zh.format(n=len(self.ids[code]), ids=first_ids(self.ids[code])),
                ),
                tuple(self.ids[code]),
            )
            for code, (en, zh) in _SENTENCES.items()
            if self.ids.get(code)
        )
