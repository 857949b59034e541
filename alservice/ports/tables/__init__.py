"""The tables of the catalog, as the use cases see them. All methods run inside a transaction.

`project_id` is the first argument wherever rows belong to a project. Methods that read one row
return None where there is none; deciding what that means is the use case's work. Times are
milliseconds of the database's clock.
"""

from alservice.ports.tables.labels import (
    BatchTable,
    ItemKey,
    LabelTable,
    LeaseTable,
)
from alservice.ports.tables.pool import (
    ArtefactTable,
    ClusterTable,
    ProjectTable,
    SegmentTable,
    UploadTable,
)
from alservice.ports.tables.work import (
    ModelTable,
    OperationTable,
    RequestKey,
    RequestRecord,
    RequestTable,
)

__all__ = [
    "ArtefactTable",
    "BatchTable",
    "ClusterTable",
    "ItemKey",
    "LabelTable",
    "LeaseTable",
    "ModelTable",
    "OperationTable",
    "ProjectTable",
    "RequestKey",
    "RequestRecord",
    "RequestTable",
    "SegmentTable",
    "UploadTable",
]
