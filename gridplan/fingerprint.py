"""What a step of a run has read, as one hash: the same hash, the same result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely


def fingerprint(
    name: str, *, layers: Sequence[pd.DataFrame], settings: Sequence[Any], after: Sequence[str]
) -> str:
    """
    Return the SHA-256 of what a step reads.

    Parameters
    ----------
    name : str
        The step.
    layers : sequence of DataFrame
        With all their columns; geometry counts to the last digit.
    settings : sequence of settings models, or plain values
    after : sequence of str
        Fingerprints of the steps before it.
    """
    digest = hashlib.sha256(name.encode())
    for layer in layers:
        digest.update(_content(layer))
    for value in settings:
        plain = value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)
        digest.update(json.dumps(plain, sort_keys=True).encode())
    for earlier in after:
        digest.update(earlier.encode())
    return digest.hexdigest()


def _content(frame: pd.DataFrame) -> bytes:
    digest = hashlib.sha256(",".join(map(str, frame.columns)).encode())
    if isinstance(frame, gpd.GeoDataFrame):
        digest.update(b"".join(shapely.to_wkb(frame.geometry.to_numpy())))
        frame = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    digest.update(frame.to_csv(index=False).encode())
    return digest.digest()
