"""Things that are missing, there already, or not in the state that a request needs."""

from alservice.domain.errors.branches import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    NotFound,
    OutOfRange,
)


class ProjectNotFound(NotFound):
    """There is no project of that name."""

    reason = "PROJECT_NOT_FOUND"


class ItemNotFound(NotFound):
    """The project has no item of that id."""

    reason = "ITEM_NOT_FOUND"


class BatchNotFound(NotFound):
    """There is no batch of that name."""

    reason = "BATCH_NOT_FOUND"


class ModelNotFound(NotFound):
    """There is no model of that name."""

    reason = "MODEL_NOT_FOUND"


class OperationNotFound(NotFound):
    """There is no operation of that name."""

    reason = "OPERATION_NOT_FOUND"


class UploadNotFound(NotFound):
    """There is no upload of that id, or it has expired."""

    reason = "UPLOAD_NOT_FOUND"


class SourceNotFound(NotFound):
    """There is no file to import at that address."""

    reason = "SOURCE_NOT_FOUND"


class ProjectExists(AlreadyExists):
    """A project of that id exists already."""

    reason = "PROJECT_EXISTS"


class ItemExists(AlreadyExists):
    """Items of those ids exist already, or stand twice in one upload."""

    reason = "ITEM_EXISTS"


class ClassExists(AlreadyExists):
    """A class of that id exists with another name or description."""

    reason = "CLASS_EXISTS"


class PoolEmpty(FailedPrecondition):
    """No item is left that could be asked about."""

    reason = "POOL_EMPTY"


class TrainingNeedsTwoClasses(FailedPrecondition):
    """Settled labels of at least two classes are needed to train."""

    reason = "TRAINING_NEEDS_TWO_CLASSES"


class SimulationNeedsLabels(FailedPrecondition):
    """Too few labels are settled to replay them."""

    reason = "SIMULATION_NEEDS_LABELS"


class ModelNotReady(FailedPrecondition):
    """The model is still being trained, has failed, or is of another vector space."""

    reason = "MODEL_NOT_READY"


class BatchClosed(FailedPrecondition):
    """Nothing of the batch is left to renew."""

    reason = "BATCH_CLOSED"


class IndexTooLarge(FailedPrecondition):
    """The index of the pool would not fit into the memory that may be spent on it."""

    reason = "INDEX_TOO_LARGE"


class VectorsMissing(FailedPrecondition):
    """The project's items have no vectors, and the call needs them."""

    reason = "VECTORS_MISSING"


class OperationNotDone(FailedPrecondition):
    """The operation is still waiting or running, so it cannot be deleted."""

    reason = "OPERATION_NOT_DONE"


class ImportUnavailable(FailedPrecondition):
    """The server is not set up for this import."""

    reason = "IMPORT_UNAVAILABLE"


class SourceChanged(FailedPrecondition):
    """The file to import is not the one any more that the import was asked for."""

    reason = "SOURCE_CHANGED"


class EtagMismatch(Aborted):
    """The resource was changed since it was read."""

    reason = "ETAG_MISMATCH"


class Conflict(Aborted):
    """Other calls kept changing the same things; retry."""

    reason = "CONFLICT"


class UploadOffsetGap(OutOfRange):
    """A chunk begins after the end of what has arrived."""

    reason = "UPLOAD_OFFSET_GAP"
