"""ListLabels: the log of answers, oldest first."""

from dataclasses import dataclass
from typing import Final

from alservice.domain.call import Call
from alservice.domain.label import LabelRow
from alservice.domain.page import Page, cut_page, last_number, page_limit
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.require import require_project

DEFAULT_PAGE: Final = 1_000
MAX_PAGE: Final = 10_000
_LINE_BYTES: Final = 256  # annotator, batch name and numbers, about


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLabelsCommand:
    """Which page."""

    project_id: str
    page_size: int = 0
    page_token: str = ""
    settled_only: bool = False


@dataclass(frozen=True, slots=True)
class ListLabels:
    """Reads a page of the log."""

    catalog: Catalog

    def __call__(self, call: Call, ask: ListLabelsCommand) -> Page[LabelRow]:
        """The page. Raises ProjectNotFound, InvalidField, InvalidPageToken."""
        return self.catalog.read(lambda tx: _page(tx, ask))


def _page(tx: Tx, ask: ListLabelsCommand) -> Page[LabelRow]:
    require_project(tx, ask.project_id)
    after = last_number("ListLabels", ask.page_token, ask.project_id)
    limit = page_limit(ask.page_size, DEFAULT_PAGE, MAX_PAGE)
    rows = tx.labels.page(ask.project_id, after, limit + 1, settled_only=ask.settled_only)
    return cut_page(
        "ListLabels",
        rows,
        limit,
        lambda row: (ask.project_id, row.seq),
        lambda row: len(row.item_id.encode()) + len((row.class_id or "").encode()) + _LINE_BYTES,
    )
