"""GetProject: a project with its counts."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.label import Outcome
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.require import require_project


@dataclass(frozen=True, slots=True)
class GetProjectCommand:
    """Which project."""

    project_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectStats:
    """What a project holds; `settled_count` counts labels with a value."""

    item_count: int
    settled_count: int
    audit_count: int
    leased_count: int
    unusable_count: int
    segment_count: int
    segment_bytes: int


@dataclass(frozen=True, slots=True)
class GetProject:
    """Raises ProjectNotFound."""

    catalog: Catalog

    def __call__(self, call: Call, command: GetProjectCommand) -> tuple[Project, ProjectStats]:
        """The project and its counts, of one snapshot."""

        def work(tx: Tx) -> tuple[Project, ProjectStats]:
            project = require_project(tx, command.project_id)
            return project, _stats(tx, project)

        return self.catalog.read(work)


def _stats(tx: Tx, project: Project) -> ProjectStats:
    settled = tx.labels.settled_count(project.project_id)
    segments = tx.segments.live(project.project_id)
    return ProjectStats(
        item_count=project.item_count,
        settled_count=settled.get(Outcome.VALUE, 0) + settled.get(Outcome.UNSURE, 0),
        audit_count=settled.get("audit", 0),
        leased_count=len(tx.leases.live(project.project_id, tx.now_ms())),
        unusable_count=settled.get(Outcome.UNUSABLE, 0),
        segment_count=len(segments),
        segment_bytes=sum(s.size_bytes for s in segments),
    )
