"""ListBatches: the batches of a project, newest first."""

import re
from dataclasses import dataclass
from typing import Final

from alservice.domain.batch import Batch
from alservice.domain.call import Call
from alservice.domain.errors import InvalidPageToken
from alservice.domain.names import check_annotator_id
from alservice.domain.page import Page, cut_page, last_text, page_limit
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.batch_contents import BatchContents
from alservice.usecases.get_batch import BatchWithContents
from alservice.usecases.require import require_project

_ITEM_BYTES: Final = 96  # rank, score, state and names, about
_CURSOR: Final = re.compile(r"[0-9]{1,18}:.{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBatchesCommand:
    """Which page; "" for every annotator."""

    project_id: str
    page_size: int = 0
    page_token: str = ""
    annotator_id: str = ""
    open_only: bool = False
    with_content: bool = False


@dataclass(frozen=True, slots=True)
class ListBatches:
    """Reads a page of batches."""

    catalog: Catalog
    contents: BatchContents

    def __call__(self, call: Call, ask: ListBatchesCommand) -> Page[BatchWithContents]:
        """The page. Raises ProjectNotFound, InvalidField, InvalidPageToken."""
        page = self.catalog.read(lambda tx: _page(tx, ask))
        rows = [
            BatchWithContents(
                batch, self.contents(ask.project_id, batch.items) if ask.with_content else ()
            )
            for batch in page.rows
        ]
        return Page(rows, page.next_token)


def _page(tx: Tx, ask: ListBatchesCommand) -> Page[Batch]:
    require_project(tx, ask.project_id)
    before = last_text("ListBatches", ask.page_token, ask.project_id)
    if before and not _CURSOR.fullmatch(before):
        text = "this page_token was not made by ListBatches; begin again without one"
        raise InvalidPageToken(text, method="ListBatches")
    limit = page_limit(ask.page_size)
    rows = tx.batches.page(
        ask.project_id,
        before,
        limit + 1,
        annotator_id=check_annotator_id(ask.annotator_id) if ask.annotator_id else "",
        open_only=ask.open_only,
    )
    return cut_page(
        "ListBatches",
        rows,
        limit,
        lambda batch: (ask.project_id, tx.batches.cursor(ask.project_id, batch.batch_id)),
        lambda batch: sum(len(item.item_id.encode()) + _ITEM_BYTES for item in batch.items),
    )
