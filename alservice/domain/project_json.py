"""A project as JSON and back: what a request record keeps for equal answers to retries."""

import json
from dataclasses import asdict

from alservice.domain.project import (
    ClassLabel,
    DType,
    LabelSchema,
    Policy,
    Project,
    Retrain,
    VectorSpace,
)


def project_to_json(project: Project) -> str:
    """All fields, as one JSON object."""
    return json.dumps(asdict(project), separators=(",", ":"))


def project_from_json(text: str) -> Project:
    """The project that `project_to_json` wrote."""
    fields = json.loads(text)
    schema, space, policy = (fields.pop(name) for name in ("schema", "space", "policy"))
    classes = tuple(ClassLabel(**c) for c in schema["classes"])
    dtype = DType(space["dtype"]) if space["dtype"] else None
    return Project(
        schema=LabelSchema(classes, schema["revision"]),
        space=VectorSpace(**{**space, "dtype": dtype}),
        policy=Policy(**{**policy, "retrain": Retrain(policy["retrain"])}),
        **fields,
    )
