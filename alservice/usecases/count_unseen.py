"""How many labels a model has not seen: counted once, then carried from answer to answer.

Counting them at every answer would cost as much as there are, while the project is locked.
"""

from collections.abc import Sequence

from alservice.domain.label import Settled
from alservice.domain.project import Project, Unseen
from alservice.ports.catalog import Tx

Change = tuple[Settled | None, Settled]  # before and after


def count_unseen(tx: Tx, project: Project, after: int) -> int:
    """Settled labels that train, with revision > `after`."""
    known = _carried(project, after)
    return tx.labels.unseen_count(project.project_id, after) if known is None else known


def unseen_with(tx: Tx, project: Project, after: int, changes: Sequence[Change]) -> Unseen:
    """The count once these are written, which they are; `project` is as it was before."""
    known = _carried(project, after)
    if known is None:
        count = tx.labels.unseen_count(project.project_id, after)
    else:
        count = known + sum(_counts(now, after) - _counts(was, after) for was, now in changes)
    return Unseen(after, project.labels_revision, count)


def _carried(project: Project, after: int) -> int | None:
    """What the project carries, if no label was settled or unsettled since."""
    known = project.unseen
    if known is None or (known.after, known.labels_revision) != (after, project.labels_revision):
        return None
    return known.count


def _counts(row: Settled | None, after: int) -> bool:
    return row is not None and row.weight > 0 and row.revision > after
