"""Everything that can go wrong, in the service's own words.

* AlserviceError
  x InvalidArgument       the request can never work
    - InvalidName, InvalidField, InvalidItemId, InvalidPageToken, InvalidUpdateMask
    - StrategyUnknown, ParameterUnknown, ParameterOutOfRange, LearnerUnknown
    - ClassUnknown, LabelValueInvalid
    - DimensionMismatch, NonFiniteVector
    - RequestIdReused, UploadProtocol, LimitExceeded
    - SourceNotAllowed, SourceInvalid
  x NotFound              the thing named is not here
    - ProjectNotFound, ItemNotFound, BatchNotFound, ModelNotFound, OperationNotFound,
      UploadNotFound, SourceNotFound
  x AlreadyExists         the thing is here already
    - ProjectExists, ItemExists, ClassExists
  x FailedPrecondition    not now: something must happen first
    - PoolEmpty, TrainingNeedsTwoClasses, ModelNotReady, BatchClosed, VectorsMissing,
      OperationNotDone, SimulationNeedsLabels, IndexTooLarge,
      ImportUnavailable, SourceChanged
  x Aborted               somebody else was faster: read again and retry
    - EtagMismatch, Conflict
  x OutOfRange            past the end of what there is
    - UploadOffsetGap
  x ResourceExhausted     too much
    - DiskFull, CacheFull, Overloaded
  x DataLoss              stored bytes are not what was stored
    - SegmentCorrupt, ArtefactCorrupt
  x Unavailable           not here, not now: try another replica or again
    - ShuttingDown, CatalogUnavailable, OutcomeUnknown, ObjectStoreUnavailable
  x Unauthenticated       the server does not know the caller
    - CallerUnknown
  x Unimplemented         planned, not built
    - NotBuilt
  x Stopped               the caller or its deadline ended the call
    - Cancelled, DeadlineExceeded
  x Internal              our fault
    - TrainingFailed, IndexFailed, SimulationFailed, ImportFailed, HousekeepingFailed

Each leaf names its `reason`, which is a value of `ErrorReason` in
proto/alservice/api/v1/error_reason.proto. Which gRPC status a branch becomes is written
once, in alservice/rpc/status.py. The message says what to do next.
"""

from alservice.domain.errors.branches import (
    Aborted,
    AlreadyExists,
    AlserviceError,
    DataLoss,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    NotFound,
    OutOfRange,
    ResourceExhausted,
    Stopped,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    did_you_mean,
)
from alservice.domain.errors.requests import (
    ClassUnknown,
    DimensionMismatch,
    InvalidField,
    InvalidItemId,
    InvalidName,
    InvalidPageToken,
    InvalidUpdateMask,
    LabelValueInvalid,
    LearnerUnknown,
    LimitExceeded,
    NonFiniteVector,
    ParameterOutOfRange,
    ParameterUnknown,
    RequestIdReused,
    SourceInvalid,
    SourceNotAllowed,
    StrategyUnknown,
    UploadProtocol,
)
from alservice.domain.errors.resources import (
    BatchClosed,
    BatchNotFound,
    ClassExists,
    Conflict,
    EtagMismatch,
    ImportUnavailable,
    IndexTooLarge,
    ItemExists,
    ItemNotFound,
    ModelNotFound,
    ModelNotReady,
    OperationNotDone,
    OperationNotFound,
    PoolEmpty,
    ProjectExists,
    ProjectNotFound,
    SimulationNeedsLabels,
    SourceChanged,
    SourceNotFound,
    TrainingNeedsTwoClasses,
    UploadNotFound,
    UploadOffsetGap,
    VectorsMissing,
)
from alservice.domain.errors.service import (
    ArtefactCorrupt,
    CacheFull,
    CallerUnknown,
    Cancelled,
    CatalogUnavailable,
    DeadlineExceeded,
    DiskFull,
    HousekeepingFailed,
    ImportFailed,
    IndexFailed,
    NotBuilt,
    ObjectStoreUnavailable,
    OutcomeUnknown,
    Overloaded,
    SegmentCorrupt,
    ShuttingDown,
    SimulationFailed,
    TrainingFailed,
)

__all__ = [
    "Aborted",
    "AlreadyExists",
    "AlserviceError",
    "ArtefactCorrupt",
    "BatchClosed",
    "BatchNotFound",
    "CacheFull",
    "CallerUnknown",
    "Cancelled",
    "CatalogUnavailable",
    "ClassExists",
    "ClassUnknown",
    "Conflict",
    "DataLoss",
    "DeadlineExceeded",
    "DimensionMismatch",
    "DiskFull",
    "EtagMismatch",
    "FailedPrecondition",
    "HousekeepingFailed",
    "ImportFailed",
    "ImportUnavailable",
    "IndexFailed",
    "IndexTooLarge",
    "Internal",
    "InvalidArgument",
    "InvalidField",
    "InvalidItemId",
    "InvalidName",
    "InvalidPageToken",
    "InvalidUpdateMask",
    "ItemExists",
    "ItemNotFound",
    "LabelValueInvalid",
    "LearnerUnknown",
    "LimitExceeded",
    "ModelNotFound",
    "ModelNotReady",
    "NonFiniteVector",
    "NotBuilt",
    "NotFound",
    "ObjectStoreUnavailable",
    "OperationNotDone",
    "OperationNotFound",
    "OutOfRange",
    "OutcomeUnknown",
    "Overloaded",
    "ParameterOutOfRange",
    "ParameterUnknown",
    "PoolEmpty",
    "ProjectExists",
    "ProjectNotFound",
    "RequestIdReused",
    "ResourceExhausted",
    "SegmentCorrupt",
    "ShuttingDown",
    "SimulationFailed",
    "SimulationNeedsLabels",
    "SourceChanged",
    "SourceInvalid",
    "SourceNotAllowed",
    "SourceNotFound",
    "Stopped",
    "StrategyUnknown",
    "TrainingFailed",
    "TrainingNeedsTwoClasses",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "UploadNotFound",
    "UploadOffsetGap",
    "UploadProtocol",
    "VectorsMissing",
    "did_you_mean",
]
