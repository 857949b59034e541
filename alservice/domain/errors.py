"""Everything that can go wrong, in the service's own words.

* AlserviceError
  x InvalidArgument       the request can never work
    - InvalidName, InvalidField, InvalidItemId, InvalidPageToken, InvalidUpdateMask
    - StrategyUnknown, ParameterUnknown, ParameterOutOfRange, LearnerUnknown
    - ClassUnknown, LabelValueInvalid
    - DimensionMismatch, NonFiniteVector
    - RequestIdReused, UploadProtocol
  x NotFound              the thing named is not here
    - ProjectNotFound, ItemNotFound, BatchNotFound, ModelNotFound, OperationNotFound,
      UploadNotFound
  x AlreadyExists         the thing is here already
    - ProjectExists, ItemExists, ClassExists
  x FailedPrecondition    not now: something must happen first
    - PoolEmpty, TrainingNeedsTwoClasses, ModelNotReady, BatchClosed, VectorsMissing,
      OperationNotDone
  x Aborted               somebody else was faster: read again and retry
    - EtagMismatch, Conflict
  x OutOfRange            past the end of what there is
    - UploadOffsetGap
  x ResourceExhausted     too much
    - DiskFull, Overloaded, LimitExceeded
  x DataLoss              stored bytes are not what was stored
    - SegmentCorrupt
  x Unavailable           not here, not now: try another replica or again
    - ShuttingDown
  x Unauthenticated       the server does not know the caller
    - CallerUnknown
  x Unimplemented         planned, not built
    - NotBuilt
  x Stopped               the caller or its deadline ended the call
    - Cancelled, DeadlineExceeded
  x Internal              our fault
    - TrainingFailed

Each leaf names its `reason`, which is a value of `ErrorReason` in
proto/alservice/api/v1/error_reason.proto. Which gRPC status a branch becomes is written
once, in alservice/rpc/status.py. The message says what to do next.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import ClassVar


class AlserviceError(Exception):
    """Base of every error this service raises on purpose."""

    reason: ClassVar[str]

    def __init__(self, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.metadata: Mapping[str, str] = {key: str(value) for key, value in metadata.items()}


class InvalidArgument(AlserviceError):
    """The request can never work, whatever the state of the service."""


class NotFound(AlserviceError):
    """The resource named in the request does not exist."""


class AlreadyExists(AlserviceError):
    """The resource to be made exists already."""


class FailedPrecondition(AlserviceError):
    """The request is well formed, but something else must happen first."""


class Aborted(AlserviceError):
    """Somebody else changed the same thing: read again and retry."""


class OutOfRange(AlserviceError):
    """The request reaches past the end of what there is."""


class ResourceExhausted(AlserviceError):
    """There is no room, or too much is going on."""


class DataLoss(AlserviceError):
    """Stored bytes are not what was stored."""


class Unavailable(AlserviceError):
    """This replica cannot serve the request now; another, or the same later, can."""


class Unauthenticated(AlserviceError):
    """The server does not know who is calling."""


class Unimplemented(AlserviceError):
    """Planned, but not built yet."""


class Stopped(AlserviceError):
    """The caller, its deadline or a drain ended the call."""


class Internal(AlserviceError):
    """The service's own fault."""


class InvalidName(InvalidArgument):
    """A resource name or id does not have the right form."""

    reason = "INVALID_NAME"


class InvalidField(InvalidArgument):
    """A field has a value that it must not have; `field` names it."""

    reason = "INVALID_FIELD"


class InvalidItemId(InvalidArgument):
    """An item id is empty, too long or has control characters."""

    reason = "INVALID_ITEM_ID"


class InvalidPageToken(InvalidArgument):
    """A page token was not made by this service for this call."""

    reason = "INVALID_PAGE_TOKEN"


class InvalidUpdateMask(InvalidArgument):
    """An update mask is empty or names a field that cannot be changed."""

    reason = "INVALID_UPDATE_MASK"


class StrategyUnknown(InvalidArgument):
    """No strategy of that name is installed."""

    reason = "STRATEGY_UNKNOWN"


class ParameterUnknown(InvalidArgument):
    """The strategy has no parameter of that name."""

    reason = "PARAMETER_UNKNOWN"


class ParameterOutOfRange(InvalidArgument):
    """A parameter of the strategy is outside its range."""

    reason = "PARAMETER_OUT_OF_RANGE"


class LearnerUnknown(InvalidArgument):
    """No learner of that name is installed."""

    reason = "LEARNER_UNKNOWN"


class ClassUnknown(InvalidArgument):
    """The project has no class of that id."""

    reason = "CLASS_UNKNOWN"


class LabelValueInvalid(InvalidArgument):
    """A label lacks its value, or has one of the wrong kind."""

    reason = "LABEL_VALUE_INVALID"


class DimensionMismatch(InvalidArgument):
    """A vector does not have the dimension of the project's vector space."""

    reason = "DIMENSION_MISMATCH"


class NonFiniteVector(InvalidArgument):
    """A vector holds NaN or an infinity."""

    reason = "NON_FINITE_VECTOR"


class RequestIdReused(InvalidArgument):
    """The request_id belongs to a different request."""

    reason = "REQUEST_ID_REUSED"


class UploadProtocol(InvalidArgument):
    """An upload stream breaks the order header, chunk, chunk, ..."""

    reason = "UPLOAD_PROTOCOL"


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


class ModelNotReady(FailedPrecondition):
    """The model is still being trained, has failed, or is of another vector space."""

    reason = "MODEL_NOT_READY"


class BatchClosed(FailedPrecondition):
    """Nothing of the batch is left to renew."""

    reason = "BATCH_CLOSED"


class VectorsMissing(FailedPrecondition):
    """The project's items have no vectors, and the call needs them."""

    reason = "VECTORS_MISSING"


class OperationNotDone(FailedPrecondition):
    """The operation is still waiting or running, so it cannot be deleted."""

    reason = "OPERATION_NOT_DONE"


class EtagMismatch(Aborted):
    """The resource was changed since it was read."""

    reason = "ETAG_MISMATCH"


class Conflict(Aborted):
    """Other calls kept changing the same things; retry."""

    reason = "CONFLICT"


class UploadOffsetGap(OutOfRange):
    """A chunk begins after the end of what has arrived."""

    reason = "UPLOAD_OFFSET_GAP"


class DiskFull(ResourceExhausted):
    """The disk has no room left."""

    reason = "DISK_FULL"


class Overloaded(ResourceExhausted):
    """Too many calls of this kind are running; retry after a moment."""

    reason = "OVERLOADED"


class LimitExceeded(ResourceExhausted):
    """The request is larger than a stated limit."""

    reason = "LIMIT_EXCEEDED"


class SegmentCorrupt(DataLoss):
    """A segment's bytes do not match their checksum, or the file is gone."""

    reason = "SEGMENT_CORRUPT"


class ShuttingDown(Unavailable):
    """This server is draining."""

    reason = "SHUTTING_DOWN"


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


def did_you_mean(name: str, known: Iterable[str]) -> dict[str, str]:
    """Metadata that names the closest known word, if one is close."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return {"did_you_mean": near[0]} if near else {}
