"""Segments as local files: `LocalSegmentStore` implements alservice/ports/segments.py."""

from alservice.storage.segments.store import LocalSegmentStore

__all__ = ["LocalSegmentStore"]
