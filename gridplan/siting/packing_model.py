"""What is left of a p-median with capacities, as a whole-number model for HiGHS."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, vstack

from gridplan.siting.highs import Model
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.packing import FITS, Packing
from gridplan.siting.packing_bound import Node

# Capacities are brought to this, so that tolerances mean the same in every model.
_FULL = 1_000.0
_HALF = 0.5
# What holds less than this share of the load, and no less than the second, counts as that much: a
# site that holds nothing has no scale of its own.
_LEAST_SHARE, _LEAST_ROOM = 1e-12, 1e-300


class PairModel:
    r"""
    The strong form over the pairs that are left.

    .. math::
        \min \sum_{ij} c_{ij} x_{ij} \quad \text{s.t.} \quad \sum_j x_{ij} = 1, \quad
        \sum_i q_i x_{ij} \le Q_j y_j, \quad x_{ij} \le y_j, \quad \sum_j y_j = p

    with the counts of the node's regions.
    """

    def __init__(self, packing: Packing, node: Node) -> None:
        self._packing, self._node = packing, node
        self._row, self._column = np.nonzero(node.allowed)
        self.model = self._build()

    def _build(self) -> Model:
        packing, node = self._packing, self._node
        n, s, k = len(packing.load), len(node.sites), len(self._row)
        pair, site = np.arange(k), np.arange(s)
        cost = packing.cost[self._row, node.sites[self._column]]
        smallest = max(_LEAST_SHARE * float(packing.load.sum()), _LEAST_ROOM)
        room = np.maximum(packing.capacity[node.sites] * FITS, smallest)
        scale = 1.0 if packing.grid.exact else _FULL / room
        scale = np.broadcast_to(scale, s)
        held = packing.load[self._row] * scale[self._column]
        served = csr_array((np.ones(k), (self._row, pair)), shape=(n, k + s))
        filled = csr_array(
            (
                np.concatenate(
                    [
                        held,
                        -(packing.capacity if packing.grid.exact else packing.capacity * FITS)[
                            node.sites
                        ]
                        * scale,
                    ]
                ),
                (np.concatenate([self._column, site]), np.concatenate([pair, k + site])),
            ),
            shape=(s, k + s),
        )
        opened = csr_array(
            (
                np.concatenate([np.ones(k), -np.ones(k)]),
                (np.concatenate([pair, pair]), np.concatenate([pair, k + self._column])),
            ),
            shape=(k, k + s),
        )
        counts, least, most = self._counts(k)
        return Model(
            cost=np.concatenate([cost, np.zeros(s)]),
            rows=csr_array(vstack([served, filled, opened, counts], format="csr")),
            least=np.concatenate([np.ones(n), np.full(s + k, -np.inf), least]),
            most=np.concatenate([np.ones(n), np.zeros(s + k), most]),
            lower=np.concatenate([np.zeros(k), packing.must[node.sites].astype(np.float64)]),
            upper=np.ones(k + s),
            whole=np.ones(k + s, dtype=np.bool_),
        )

    def _counts(self, k: int) -> tuple[csr_array, Floats, Floats]:
        node = self._node
        groups = [np.isin(node.sites, region.sites) for region in node.regions]
        groups.append(np.ones(len(node.sites), dtype=np.bool_))
        row, at = np.nonzero(np.array(groups))
        slots = float(self._packing.slots)
        rows = csr_array(
            (np.ones(len(row)), (row, k + at)), shape=(len(groups), k + len(node.sites))
        )
        least = np.array([*(float(one.least) for one in node.regions), slots])
        most = np.array([*(float(one.most) for one in node.regions), slots])
        return rows, least, most

    def plan(self, values: Floats) -> tuple[Positions, Positions]:
        """Return the open sites and the assignment of a solution."""
        node, k = self._node, len(self._row)
        used = np.nonzero(values[:k] > _HALF)[0]
        assigned = np.zeros(len(self._packing.load), dtype=np.intp)
        assigned[self._row[used]] = node.sites[self._column[used]]
        return node.sites[values[k:] > _HALF], assigned
