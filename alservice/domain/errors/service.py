"""What goes wrong in the service itself."""

from alservice.domain.errors.branches import (
    DataLoss,
    Internal,
    ResourceExhausted,
    Stopped,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)


class DiskFull(ResourceExhausted):
    """The disk has no room left."""

    reason = "DISK_FULL"


class CacheFull(ResourceExhausted):
    """The local cache of the object store is full of files that are in use."""

    reason = "CACHE_FULL"


class Overloaded(ResourceExhausted):
    """Too many calls of this kind are running; retry after a moment."""

    reason = "OVERLOADED"


class SegmentCorrupt(DataLoss):
    """A segment's bytes do not match their checksum, or the file is gone."""

    reason = "SEGMENT_CORRUPT"


class ArtefactCorrupt(DataLoss):
    """A file that was made from a pool is damaged or gone; it can be made again."""

    reason = "ARTEFACT_CORRUPT"


class ShuttingDown(Unavailable):
    """This server is draining."""

    reason = "SHUTTING_DOWN"


class CatalogUnavailable(Unavailable):
    """The database cannot be reached, or does not answer; nothing was changed."""

    reason = "CATALOG_UNAVAILABLE"


class OutcomeUnknown(Unavailable):
    """The database went away during the commit: whether the change was made, nobody knows."""

    reason = "OUTCOME_UNKNOWN"


class ObjectStoreUnavailable(Unavailable):
    """The object store did not answer, or refused, in spite of retries."""

    reason = "OBJECT_STORE_UNAVAILABLE"

    @property
    def refused(self) -> bool:
        """Whether it has answered, and will say the same until somebody changes something."""
        return self.metadata.get("cause") in ("permission", "missing")


class CallerUnknown(Unauthenticated):
    """The caller is on another machine and has shown no credentials that the server knows."""

    reason = "CALLER_UNKNOWN"


class NotBuilt(Unimplemented):
    """The API has room for this, but it is not built yet."""

    reason = "NOT_BUILT"


class Cancelled(Stopped):
    """The caller went away, or the operation was cancelled."""

    reason = "CANCELLED"


class DeadlineExceeded(Stopped):
    """The call's deadline passed."""

    reason = "DEADLINE_EXCEEDED"


class TrainingFailed(Internal):
    """Fitting the model failed."""

    reason = "TRAINING_FAILED"


class IndexFailed(Internal):
    """Building the index of a pool failed."""

    reason = "INDEX_FAILED"


class HousekeepingFailed(Internal):
    """Work that the service does for itself failed; it is begun anew."""

    reason = "HOUSEKEEPING_FAILED"


class ImportFailed(Internal):
    """Importing a file failed."""

    reason = "IMPORT_FAILED"


class SimulationFailed(Internal):
    """Replaying labels failed."""

    reason = "SIMULATION_FAILED"
