"""What is said of the reasons of places where floor area is a hard limit."""

from __future__ import annotations

import pandas as pd

from gridplan.errors import Message, Note, agreed, both_ids, counted

GIVEN_ANEW = Message(
    en='With [siting].capacity = "hard" closing or moving a place gives everybody a place anew, '
    "the other open places kept, so that all walk least in total and none is overfull.",
    zh='[siting].capacity = "hard" 时，关闭或改设某处按其余场所不变、重新分配全部居民计：'
    "步行总和最小，且均不超过容量。",
)
"""What figures of closing and moving are of, beside their table."""

_UNSETTLED = frozenset({"gap", "stopped"})


def reason_notes(reasons: pd.DataFrame) -> list[Note]:
    """
    Return which places the others cannot do without, and whose figures are not proven.

    Parameters
    ----------
    reasons : DataFrame
        As `room_reasons` returns it.
    """
    needed = reasons.loc[reasons["closing_status"] == "infeasible", "site_id"].tolist()
    open_to_doubt = reasons["closing_status"].isin(_UNSETTLED)
    open_to_doubt |= reasons["next_status"].isin(_UNSETTLED)
    doubtful = reasons.loc[open_to_doubt, "site_id"].tolist()
    notes = []
    if needed:
        which, which_zh = both_ids(needed)
        count = len(needed)
        notes.append(
            Note(
                "rooms_others_do_not_hold",
                count,
                Message(
                    en=f"Without {counted(count, 'this place', 'any one of these places')} the "
                    f"others do not hold all households, floor area being a hard limit: {which}. "
                    f"`room_reasons` has the households that are left over at least.",
                    zh=f"面积为硬性容量，缺少以下 {count} 处中的任何一处，其余场所都容纳不下全部"
                    f"住户：{which_zh}。至少容纳不下的户数见 `room_reasons`。",
                ),
                tuple(needed),
            )
        )
    if doubtful:
        which, which_zh = both_ids(doubtful)
        count = len(doubtful)
        notes.append(
            Note(
                "reasons_not_proven",
                count,
                Message(
                    en=f"What closing or moving {counted(count, 'place', 'places')} costs, floor "
                    f"area being a hard limit, is not proven: {which}. "
                    f"{agreed(count, 'Its figures', 'Their figures')} are those of the best "
                    f"assignment that was found; a better one costs no less than the bound "
                    f"beside it in `room_reasons`.",
                    zh=f"面积为硬性容量，关闭或改设以下 {count} 处的代价未经证明：{which_zh}。"
                    f"所列为已找到的最优分配；更好的分配不会低于 `room_reasons` 中所列的界。",
                ),
                tuple(doubtful),
            )
        )
    return notes
