"""A project as it is right now: its settings and its counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alservice.api.v1 import project_pb2
from alservice.client.columns import Entries
from alservice.client.plain import duration_of, last_part, text_of, time_of
from alservice.client.words import DTYPES, RETRAIN

ClassesLike = Entries | Mapping[Any, str]


@dataclass(frozen=True, slots=True)
class Policy:
    """How a project works; see Client.create_project for the fields."""

    strategy: str
    strategy_version: int
    batch_size: int
    lease_s: float
    reserve_share: float
    audit_share: float | None
    opinions_per_item: int
    retrain: str
    learner: str


@dataclass(frozen=True, slots=True)
class Stats:
    """What a project holds: see ProjectStats in the API. Sizes are in bytes."""

    item_count: int
    settled_count: int
    audit_count: int
    leased_count: int
    unusable_count: int
    segment_count: int
    segment_bytes: int


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project when it was read.

    `classes` maps class ids to display names. `dimension` and `dtype` (`f32`, `f16`, `bf16`) are
    None until the first upload. `active_model` is the name of the model that Query uses, empty if
    there is none. `stats` is None in lists.
    """

    name: str
    display_name: str
    classes: Mapping[str, str]
    dimension: int | None
    dtype: str | None
    encoder: str
    policy: Policy
    active_model: str
    revision: int
    etag: str
    create_time: datetime | None
    stats: Stats | None

    @property
    def project_id(self) -> str:
        """The last part of the name."""
        return last_part(self.name)


def class_messages(classes: ClassesLike) -> list[project_pb2.ClassLabel]:
    """Class ids, or a mapping from ids to display names, as messages. Raises TypeError."""
    if isinstance(classes, str):
        raise TypeError("classes must be a list of class ids, not one text")
    pairs = classes.items() if isinstance(classes, Mapping) else ((c, "") for c in classes)
    return [
        project_pb2.ClassLabel(class_id=text_of("a class", class_id), display_name=name)
        for class_id, name in pairs
    ]


def policy_message(settings: Mapping[str, Any]) -> project_pb2.Policy:
    """Settings by the names of Policy as a message. Raises ValueError for other names."""
    fields = dict(settings)
    lease_s, retrain = fields.pop("lease_s", None), fields.pop("retrain", None) or "unspecified"
    try:
        return project_pb2.Policy(
            lease_duration=duration_of(lease_s),
            retrain=RETRAIN.number(retrain),
            **fields,
        )
    except ValueError as error:
        raise ValueError(f"unknown or malformed setting: {error}") from None


def info_of(message: project_pb2.Project) -> ProjectInfo:
    """The project that a message describes."""
    space = message.vector_space
    return ProjectInfo(
        name=message.name,
        display_name=message.display_name,
        classes={c.class_id: c.display_name for c in message.label_schema.classes.classes},
        dimension=space.dimension if space.HasField("dimension") else None,
        dtype=DTYPES.word(space.dtype) if space.dtype else None,
        encoder=space.encoder,
        policy=_policy(message.policy),
        active_model=message.active_model,
        revision=message.revision,
        etag=message.etag,
        create_time=time_of(message.create_time),
        stats=_stats(message.stats) if message.HasField("stats") else None,
    )


def _policy(message: project_pb2.Policy) -> Policy:
    return Policy(
        strategy=message.strategy,
        strategy_version=message.strategy_version,
        batch_size=message.batch_size,
        lease_s=message.lease_duration.ToTimedelta().total_seconds(),
        reserve_share=message.reserve_share,
        audit_share=message.audit_share if message.HasField("audit_share") else None,
        opinions_per_item=message.opinions_per_item,
        retrain=RETRAIN.word(message.retrain),
        learner=message.learner,
    )


def _stats(message: project_pb2.ProjectStats) -> Stats:
    return Stats(
        item_count=message.item_count,
        settled_count=message.settled_count,
        audit_count=message.audit_count,
        leased_count=message.leased_count,
        unusable_count=message.unusable_count,
        segment_count=message.segment_count,
        segment_bytes=message.segment_bytes,
    )
