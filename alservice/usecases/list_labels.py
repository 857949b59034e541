"""ListLabels: the log of answers, oldest first."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.label import LabelRow
from alservice.domain.page import Page, decode_token, encode_token
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.require import require_project

DEFAULT_PAGE = 1000


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
        """The page. Raises ProjectNotFound, InvalidPageToken."""
        return self.catalog.read(lambda tx: _page(tx, ask))


def _page(tx: Tx, ask: ListLabelsCommand) -> Page[LabelRow]:
    require_project(tx, ask.project_id)
    after = decode_token("ListLabels", ask.page_token)
    limit = ask.page_size or DEFAULT_PAGE
    rows = tx.labels.page(
        ask.project_id, int(after[0]) if after else 0, limit + 1, settled_only=ask.settled_only
    )
    if len(rows) <= limit:
        return Page(rows)
    return Page(rows[:limit], encode_token("ListLabels", rows[limit - 1].seq))
