"""Shards as Ray actors. Ray is an engine: nothing lives in it that could not be made again.

The only package that knows Ray, which is imported when it is first asked for: `alservice[ray]`.
"""

from alservice.scoring.on_ray.actor import OpenStore
from alservice.scoring.on_ray.connect import connect
from alservice.scoring.on_ray.crew import Crew

__all__ = ["Crew", "OpenStore", "connect"]
