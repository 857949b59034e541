"""Every resource name and id of the service: the one file that takes them apart.

`x_id` is one component, `x_name` the full name. Everybody else calls these functions.
"""

import re
import secrets
import unicodedata

from alservice.domain.errors import InvalidItemId, InvalidName

PROJECT_ID = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
COMPONENT = re.compile(r"[A-Za-z0-9_.@+-]{1,128}")
MAX_ITEM_ID_BYTES = 512
DEFAULT_SPACE_ID = "default"
ANONYMOUS = "anonymous"


def check_project_id(project_id: str) -> str:
    """The id itself. Raises InvalidName."""
    if not PROJECT_ID.fullmatch(project_id):
        text = (
            f"project id {project_id!r} must be 1 to 63 lower-case letters, digits and hyphens, "
            "beginning with a letter and not ending with a hyphen"
        )
        raise InvalidName(text, field="project_id", value=project_id)
    return project_id


def check_annotator_id(annotator_id: str) -> str:
    """The id itself, or `anonymous` for the empty one. Raises InvalidName."""
    return _component(annotator_id or ANONYMOUS, "annotator_id")


def check_item_id(item_id: str) -> str:
    """The id itself. Raises InvalidItemId."""
    size = len(item_id.encode())
    if not 0 < size <= MAX_ITEM_ID_BYTES:
        text = f"an item id must have 1 to {MAX_ITEM_ID_BYTES} bytes of UTF-8, not {size}"
        raise InvalidItemId(text, item_id=item_id[:64], size=size)
    if any(unicodedata.category(c) == "Cc" for c in item_id):
        text = f"item id {item_id!r} holds a control character"
        raise InvalidItemId(text, item_id=item_id)
    return item_id


def project_name(project_id: str) -> str:
    """`projects/{project}`."""
    return f"projects/{project_id}"


def parse_project(name: str) -> str:
    """The project id of `projects/{project}`. Raises InvalidName."""
    (project_id,) = _parse(name, "projects")
    return project_id


def batch_name(project_id: str, batch_id: str) -> str:
    """`projects/{project}/batches/{batch}`.

    >>> batch_name("reviews", "b-1f")
    'projects/reviews/batches/b-1f'
    """
    return f"projects/{project_id}/batches/{batch_id}"


def parse_batch(name: str) -> tuple[str, str]:
    """(project id, batch id). Raises InvalidName."""
    project_id, batch_id = _parse(name, "projects", "batches")
    return project_id, batch_id


def model_name(project_id: str, model_id: str) -> str:
    """`projects/{project}/models/{model}`."""
    return f"projects/{project_id}/models/{model_id}"


def parse_model(name: str) -> tuple[str, str]:
    """(project id, model id). Raises InvalidName."""
    project_id, model_id = _parse(name, "projects", "models")
    return project_id, model_id


def operation_name(project_id: str, operation_id: str) -> str:
    """`projects/{project}/operations/{operation}`."""
    return f"projects/{project_id}/operations/{operation_id}"


def parse_operation(name: str) -> tuple[str, str]:
    """(project id, operation id). Raises InvalidName."""
    project_id, operation_id = _parse(name, "projects", "operations")
    return project_id, operation_id


def pool_index_name(project_id: str, artefact_id: str) -> str:
    """`projects/{project}/poolIndexes/{pool_index}`."""
    return f"projects/{project_id}/poolIndexes/{artefact_id}"


def space_name(project_id: str, space_id: str) -> str:
    """`projects/{project}/vectorSpaces/{space}`."""
    return f"projects/{project_id}/vectorSpaces/{space_id}"


def new_id(prefix: str) -> str:
    """A fresh id of 80 random bits, such as `b-1f0c...`: never reused, safe in a file name."""
    return f"{prefix}-{secrets.token_hex(10)}"


def _parse(name: str, *collections: str) -> list[str]:
    parts = name.split("/")
    pattern = "/".join(f"{c}/{{{c.rstrip('s')}}}" for c in collections)
    if len(parts) != 2 * len(collections) or tuple(parts[::2]) != collections:
        raise InvalidName(f"{name!r} does not have the form {pattern}", value=name)
    return [_component(part, "name") for part in parts[1::2]]


def _component(value: str, field: str) -> str:
    if not COMPONENT.fullmatch(value):
        text = f"{field} {value!r} must be 1 to 128 letters, digits or any of _ . @ + -"
        raise InvalidName(text, field=field, value=value)
    return value
