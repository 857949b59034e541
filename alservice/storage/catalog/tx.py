"""One transaction: the tables, bound to one session."""

from alservice.storage.catalog.artefacts import SqlArtefacts
from alservice.storage.catalog.batches import SqlBatches
from alservice.storage.catalog.cluster import SqlCluster
from alservice.storage.catalog.labels import SqlLabels
from alservice.storage.catalog.leases import SqlLeases
from alservice.storage.catalog.models import SqlModels
from alservice.storage.catalog.operations import SqlOperations
from alservice.storage.catalog.projects import SqlProjects
from alservice.storage.catalog.requests import SqlRequests
from alservice.storage.catalog.segments import SqlSegments
from alservice.storage.catalog.session import Session
from alservice.storage.catalog.uploads import SqlUploads


class SqlTx:
    """`Tx` in SQL. For one thread, and only until its transaction ends."""

    __slots__ = (
        "_session",
        "artefacts",
        "batches",
        "cluster",
        "labels",
        "leases",
        "models",
        "operations",
        "projects",
        "requests",
        "segments",
        "uploads",
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self.cluster = SqlCluster(session)
        self.projects = SqlProjects(session)
        self.segments = SqlSegments(session)
        self.artefacts = SqlArtefacts(session)
        self.uploads = SqlUploads(session)
        self.labels = SqlLabels(session)
        self.leases = SqlLeases(session)
        self.batches = SqlBatches(session)
        self.models = SqlModels(session)
        self.operations = SqlOperations(session)
        self.requests = SqlRequests(session)

    def now_ms(self) -> int:
        """Milliseconds since the epoch, by the database's clock; it stands still once asked."""
        return self._session.now_ms
