"""One item, by its id."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.errors import ItemNotFound
from alservice.domain.item import Item
from alservice.ports.catalog import Catalog
from alservice.ports.segments import SegmentStore
from alservice.usecases.locate import locate
from alservice.usecases.open_pool import open_pool
from alservice.usecases.read_items import RowsOf, read_items
from alservice.usecases.require import require_project


@dataclass(frozen=True, slots=True)
class GetItemCommand:
    """Names an item; `vector` asks for its vector too."""

    project_id: str
    item_id: str
    vector: bool = False


@dataclass(frozen=True, slots=True)
class GetItem:
    """Looks an item up."""

    catalog: Catalog
    store: SegmentStore

    def __call__(self, call: Call, command: GetItemCommand) -> Item:
        """The item. Raises ProjectNotFound, ItemNotFound."""
        pool, project = open_pool(
            self.catalog,
            self.store,
            command.project_id,
            lambda tx: require_project(tx, command.project_id),
        )
        segment_of, row_of = locate(pool, self.store.pack([command.item_id]))
        if segment_of[0] < 0:
            text = f"the project has no item {command.item_id!r}; ListItems shows what it has"
            raise ItemNotFound(text, item_ids=command.item_id, count=1)
        found = RowsOf(pool[segment_of[0]], row_of)
        return read_items(self.catalog, project, [found], vectors=command.vector)[0]
