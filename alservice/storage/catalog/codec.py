"""JSON text of what the catalog keeps as a whole.

Fields that an old row lacks take their defaults.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple
from functools import lru_cache
from typing import Any, Final

from alservice.domain.project import (
    ClassLabel,
    DType,
    LabelSchema,
    Policy,
    Retrain,
    Unseen,
    VectorSpace,
)

_REMEMBERED: Final = 256  # settings change rarely and are read with every call


def to_json(value: object) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def mapping_to_json(value: Mapping[str, Any]) -> str:
    """Compact JSON; "" for an empty mapping."""
    return to_json(dict(value)) if value else ""


def mapping_from_json(text: str) -> Mapping[str, Any]:
    """What `mapping_to_json` wrote."""
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


@lru_cache(_REMEMBERED)
def encode_schema(schema: LabelSchema) -> str:
    """JSON of a label schema: one triple per class."""
    classes = [[c.class_id, c.display_name, c.description] for c in schema.classes]
    return to_json({"classes": classes, "revision": schema.revision})


@lru_cache(_REMEMBERED)
def decode_schema(text: str) -> LabelSchema:
    """What `encode_schema` wrote."""
    found = json.loads(text)
    classes = tuple(ClassLabel(*fields) for fields in found["classes"])
    return LabelSchema(classes=classes, revision=found["revision"])


@lru_cache(_REMEMBERED)
def encode_space(space: VectorSpace) -> str:
    """JSON of a vector space."""
    return to_json(asdict(space))


@lru_cache(_REMEMBERED)
def decode_space(text: str) -> VectorSpace:
    """What `encode_space` wrote."""
    found = json.loads(text)
    dtype = found.pop("dtype")
    return VectorSpace(dtype=None if dtype is None else DType(dtype), **found)


def encode_unseen(unseen: Unseen | None) -> str:
    """JSON of a count; "" for none."""
    return to_json(astuple(unseen)) if unseen else ""


def decode_unseen(text: str) -> Unseen | None:
    """What `encode_unseen` wrote."""
    return Unseen(*json.loads(text)) if text else None


@lru_cache(_REMEMBERED)
def encode_policy(policy: Policy) -> str:
    """JSON of a policy."""
    return to_json(asdict(policy))


@lru_cache(_REMEMBERED)
def decode_policy(text: str) -> Policy:
    """What `encode_policy` wrote."""
    found = json.loads(text)
    return Policy(retrain=Retrain(found.pop("retrain")), **found)
