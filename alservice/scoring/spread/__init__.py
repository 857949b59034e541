"""A pool pass in parts: shards of segments, each walked where it lies; only candidates travel."""

from alservice.scoring.spread.scoring import SpreadScoring
from alservice.scoring.spread.shard import Shard
from alservice.scoring.spread.shards import Order, Pending, Piece, Shards

__all__ = ["Order", "Pending", "Piece", "Shard", "Shards", "SpreadScoring"]
