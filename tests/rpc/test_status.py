"""The tree of errors, the table of codes and the documented reasons agree."""

import re
from pathlib import Path

import pytest
from google.rpc import error_details_pb2
from grpc import StatusCode
from hypothesis import given
from hypothesis import strategies as st

from alservice.api.v1 import error_reason_pb2
from alservice.core import Cancelled
from alservice.domain import errors
from alservice.rpc import status

PROTO = Path(__file__).parents[2] / "proto/alservice/api/v1/error_reason.proto"
NOT_IN_TREE = {"UNSPECIFIED", "INTERNAL"}

TREE = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.AlserviceError)
]
BRANCHES = [kind for kind in TREE if errors.AlserviceError in kind.__bases__]
LEAVES = [kind for kind in TREE if "reason" in vars(kind)]


def documented() -> dict[str, tuple[str, str]]:
    """Status and example of each reason, as the comment in the proto has them."""
    pattern = r"((?:  //.*\n)+)  ERROR_REASON_(\w+) = \d+;"
    found = {}
    for comment, name in re.findall(pattern, PROTO.read_text()):
        (code,) = re.findall(r"Status:\s+(?://\s+)?(\w+)", comment) or [""]
        (example,) = re.findall(r'"reason": "ERROR_REASON_(\w+)"', comment) or [""]
        found[name] = (code, example)
    return found


def test_every_branch_is_in_the_table_and_the_table_has_nothing_else() -> None:
    assert len(BRANCHES) > 10
    assert set(BRANCHES) <= set(status.CODES)
    assert set(status.CODES) - set(BRANCHES) == {errors.DeadlineExceeded}


def test_every_leaf_is_below_a_branch_and_branches_are_never_raised() -> None:
    assert all("reason" not in vars(branch) for branch in BRANCHES)
    assert all(any(issubclass(leaf, branch) for branch in BRANCHES) for leaf in LEAVES)
    assert set(TREE) == {*BRANCHES, *LEAVES, errors.AlserviceError}


def test_every_leaf_has_a_reason_in_the_proto_and_the_other_way_round() -> None:
    reasons = [leaf.reason for leaf in LEAVES]
    assert len(reasons) == len(set(reasons))
    in_proto = {n.removeprefix("ERROR_REASON_") for n in error_reason_pb2.ErrorReason.keys()}
    assert set(reasons) == in_proto - NOT_IN_TREE


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_a_reason_is_the_name_in_capitals_and_documented_with_its_status(
    leaf: type[errors.AlserviceError],
) -> None:
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", leaf.__name__).upper() == leaf.reason
    assert documented()[leaf.reason] == (status.code_of(leaf).name, leaf.reason)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_a_leaf_becomes_a_status_with_its_reason_and_metadata(
    leaf: type[errors.AlserviceError],
) -> None:
    told = status.status_of(leaf("say what to do", field="x", project="p"))
    assert told.code == status.code_of(leaf).value[0]
    assert told.message == "say what to do"
    info = error_details_pb2.ErrorInfo()
    assert told.details[0].Unpack(info)
    assert (info.reason, info.domain) == (f"ERROR_REASON_{leaf.reason}", "alservice")
    assert dict(info.metadata) == {"field": "x", "project": "p"}
    assert status.status_of_reason(leaf.reason, "again").code == told.code


@pytest.mark.parametrize("kind", [errors.DiskFull, errors.CacheFull, errors.Overloaded])
def test_what_another_replica_may_have_room_for_is_worth_another_try(
    kind: type[errors.AlserviceError],
) -> None:
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in status.status_of(kind("no room")).details)
    assert retry.retry_delay.ToMilliseconds() > 0


def test_a_reason_that_nobody_knows_is_internal() -> None:
    assert status.status_of_reason("GONE_WRONG", "").code == StatusCode.INTERNAL.value[0]


def test_a_kernel_that_was_cancelled_is_cancelled() -> None:
    assert status.status_of(Cancelled()).code == StatusCode.CANCELLED.value[0]


@given(st.text(), st.dictionaries(st.from_regex(r"[a-z]{1,20}", fullmatch=True), st.text()))
def test_what_is_unforeseen_is_internal_and_its_text_stays(
    text: str, more: dict[str, str]
) -> None:
    told = status.status_of(RuntimeError(f"secret {text}", more), "r-1")
    assert told.code == StatusCode.INTERNAL.value[0]
    assert b"secret" not in told.SerializeToString()
    assert "r-1" in told.message


@given(st.text(min_size=1), st.integers(1, 5000))
def test_message_and_details_fit_into_trailers(text: str, times: int) -> None:
    told = status.status_of(errors.InvalidField(text * times, field="name", value=text * times))
    assert len(told.message.encode()) <= 1024
    assert len(told.SerializeToString()) < 2048
