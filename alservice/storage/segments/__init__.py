"""Segments as files: `FileSegmentStore` implements alservice/ports/segments.py."""

from alservice.storage.segments.store import FileSegmentStore, LocalSegmentStore

__all__ = ["FileSegmentStore", "LocalSegmentStore"]
