"""Requests that can never work."""

from alservice.domain.errors.branches import InvalidArgument


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


class SourceNotAllowed(InvalidArgument):
    """An address does not lie below any folder or bucket that imports may read."""

    reason = "SOURCE_NOT_ALLOWED"


class SourceInvalid(InvalidArgument):
    """A file to import is damaged, of no known format, or does not hold what it should."""

    reason = "SOURCE_INVALID"


class LimitExceeded(InvalidArgument):
    """The request is larger than a stated limit."""

    reason = "LIMIT_EXCEEDED"
