"""What the settings of a project must satisfy, whoever sets them."""

import math
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from alservice.domain.errors import (
    InvalidField,
    LearnerUnknown,
    LimitExceeded,
    NotBuilt,
    StrategyUnknown,
    did_you_mean,
)
from alservice.domain.project import ClassLabel, Policy, VectorSpace
from alservice.domain.strategy import Strategy
from alservice.domain.strategy_version import effective_version

MAX_CLASSES: Final = 1_000
MAX_CLASS_ID_BYTES: Final = 128
MAX_TEXT_BYTES: Final = 512
MAX_DESCRIPTION_BYTES: Final = 16_384
MAX_BATCH_SIZE: Final = 10_000
MAX_DIMENSION: Final = 65_536
MAX_SHARE: Final = 0.5
LEASE_MS: Final = (1_000, 90 * 24 * 3_600_000)


def check_strategy(name: str, strategies: Mapping[str, Strategy]) -> Strategy:
    """The strategy of that name. Raises StrategyUnknown, with the closest name there is."""
    strategy = strategies.get(name)
    if strategy is None:
        text = f"there is no strategy {name!r}; ListStrategies shows them"
        raise StrategyUnknown(text, strategy=name, **did_you_mean(name, strategies))
    return strategy


def check_learner(name: str, learners: Collection[str]) -> str:
    """The name itself. Raises LearnerUnknown, with the closest name there is."""
    if name not in learners:
        text = f"there is no learner {name!r}; there are {', '.join(sorted(learners))}"
        raise LearnerUnknown(text, learner=name, **did_you_mean(name, learners))
    return name


def check_policy(
    policy: Policy, strategies: Mapping[str, Strategy], learners: Collection[str]
) -> Policy:
    """The policy, pinned to the strategy's present version.

    Raises StrategyUnknown, LearnerUnknown, InvalidField, NotBuilt.
    """
    strategy = check_strategy(policy.strategy, strategies)
    check_learner(policy.learner, learners)
    _check_range("policy.batch_size", policy.batch_size, 1, MAX_BATCH_SIZE)
    _check_range("policy.lease_duration", policy.lease_duration_ms, *LEASE_MS, unit=" ms")
    _check_range("policy.reserve_share", policy.reserve_share, 0, MAX_SHARE)
    if policy.audit_share is not None:
        _check_range("policy.audit_share", policy.audit_share, 0, MAX_SHARE)
    if policy.opinions_per_item != 1:
        text = "only one opinion per item so far: consensus among several is not built yet"
        raise NotBuilt(text, feature="opinions_per_item")
    return replace(policy, strategy_version=effective_version(strategies, strategy))


def check_space(space: VectorSpace) -> VectorSpace:
    """The vector space itself. Raises InvalidField."""
    if space.dimension is not None:
        _check_range("vector_space.dimension", space.dimension, 0, MAX_DIMENSION)
    check_text("vector_space.encoder", space.encoder, MAX_TEXT_BYTES)
    return space


def check_classes(classes: Iterable[ClassLabel]) -> tuple[ClassLabel, ...]:
    """The classes, their names filled in. Raises InvalidField, LimitExceeded."""
    checked = tuple(map(_check_class, classes))
    check_class_count(len(checked))
    return checked


def check_class_count(count: int) -> None:
    """Nothing. Raises LimitExceeded."""
    if count > MAX_CLASSES:
        text = f"a project has at most {MAX_CLASSES} classes, not {count}"
        raise LimitExceeded(text, limit=MAX_CLASSES, got=count)


def check_text(field: str, text: str, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """The text itself. Raises InvalidField."""
    size = len(text.encode())
    if size > max_bytes:
        raise InvalidField(f"{field} has {size} bytes, {max_bytes} are allowed", field=field)
    return text


def _check_class(label: ClassLabel) -> ClassLabel:
    size = len(label.class_id.encode())
    control = any(unicodedata.category(c) == "Cc" for c in label.class_id)
    if control or not 0 < size <= MAX_CLASS_ID_BYTES:
        text = (
            f"class id {label.class_id[:64]!r} must have 1 to {MAX_CLASS_ID_BYTES} bytes of UTF-8 "
            "without control characters"
        )
        raise InvalidField(text, field="class_id", value=label.class_id[:64])
    check_text("display_name", label.display_name)
    check_text("description", label.description, MAX_DESCRIPTION_BYTES)
    return replace(label, display_name=label.display_name or label.class_id)


def _check_range(field: str, value: float, low: float, high: float, unit: str = "") -> None:
    if math.isnan(value) or not low <= value <= high:
        text = f"{field} must be {low:,} to {high:,}{unit}, not {value:,}"
        raise InvalidField(text, field=field, value=value)
