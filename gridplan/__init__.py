"""gridplan: cells, zones, walking access and activity rooms for a sub-district, with proofs."""

__version__ = "0.1.0"
