"""The sweeper of segments, with the place that its catalog holds."""

from pathlib import Path

from alservice.ports.catalog import Catalog
from alservice.ports.segments import SegmentStore
from alservice.storage.files import LocalPlace
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.hold_place import HoldPlace
from alservice.usecases.sweep import Sweep


def sweeper(catalog: Catalog, store: SegmentStore, folder: Path | None = None) -> Sweep:
    """As the server makes it; `folder` is that of the place, by default the store's."""
    if folder is None:
        assert isinstance(store, LocalSegmentStore)
        folder = store._folder.parent
    return Sweep(catalog, store, HoldPlace(catalog, LocalPlace(folder)))
