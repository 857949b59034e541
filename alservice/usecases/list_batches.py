"""ListBatches: the batches of a project, newest first."""

from dataclasses import dataclass

from alservice.domain.batch import Batch
from alservice.domain.call import Call
from alservice.domain.names import check_annotator_id
from alservice.domain.page import Page, decode_token, encode_token
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.batch_contents import BatchContents
from alservice.usecases.get_batch import BatchWithContents
from alservice.usecases.require import require_project

DEFAULT_PAGE = 50


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
        """The page. Raises ProjectNotFound, InvalidPageToken."""
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
    before = decode_token("ListBatches", ask.page_token)
    limit = ask.page_size or DEFAULT_PAGE
    rows = tx.batches.page(
        ask.project_id,
        str(before[0]) if before else "",
        limit + 1,
        annotator_id=check_annotator_id(ask.annotator_id) if ask.annotator_id else "",
        open_only=ask.open_only,
    )
    if len(rows) <= limit:
        return Page(rows)
    last = rows[limit - 1].batch_id
    return Page(rows[:limit], encode_token("ListBatches", tx.batches.cursor(ask.project_id, last)))
