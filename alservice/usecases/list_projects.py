"""ListProjects: the projects, by id."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.page import Page, cut_page, last_text, page_limit
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog

KIND = "ListProjects"


@dataclass(frozen=True, slots=True)
class ListProjectsCommand:
    """Which page."""

    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class ListProjects:
    """Raises InvalidPageToken, InvalidField."""

    catalog: Catalog

    def __call__(self, call: Call, command: ListProjectsCommand) -> Page[Project]:
        """One page."""
        limit = page_limit(command.page_size)
        after = last_text(KIND, command.page_token)
        rows = self.catalog.read(lambda tx: tx.projects.page(after, limit + 1))
        return cut_page(KIND, rows, limit, lambda project: (project.project_id,))
