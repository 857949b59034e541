"""DeleteProject: remove a project with all that it holds; the sweeper removes its files."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once_above_projects
from alservice.usecases.require import check_etag, lock_project


@dataclass(frozen=True, slots=True)
class DeleteProjectCommand:
    """Which project, and which state of it."""

    project_id: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class DeleteProject:
    """Raises ProjectNotFound, EtagMismatch."""

    catalog: Catalog

    def __call__(self, call: Call, command: DeleteProjectCommand) -> None:
        """Nothing. Unfinished operations go too: their workers find no row to write."""

        def delete(tx: Tx) -> None:
            check_etag(lock_project(tx, command.project_id), command.etag)
            tx.projects.delete(command.project_id)

        def work(tx: Tx) -> None:
            # Above projects: the record must outlive the project.
            effect = lambda: delete(tx)  # noqa: E731
            once_above_projects(tx, call, effect, lambda _: "null", lambda _: None)

        self.catalog.transact(work)
