"""What Query refuses, and how it says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alservice.core import Cancelled
from alservice.domain import errors
from alservice.domain.project import VectorSpace
from alservice.storage.segments import LocalSegmentStore
from tests.rounds import Rounds, a_call, begin, ids, items
from tests.usecases.items import small_files


@pytest.mark.parametrize(
    ("fields", "error", "meant"),
    [
        ({"strategy": "margn"}, errors.StrategyUnknown, "margin"),
        ({"parameters": {"beta": 1.0}}, errors.ParameterUnknown, None),
        ({"count": -1}, errors.InvalidField, None),
        ({"count": 10_001}, errors.InvalidField, None),
        ({"lease_ms": 999}, errors.InvalidField, None),
        ({"lease_ms": 0}, errors.InvalidField, None),
        ({"lease_ms": 91 * 24 * 3_600_000}, errors.InvalidField, None),
        ({"annotator_id": "a b"}, errors.InvalidName, None),
    ],
)
def test_what_cannot_work_is_refused_before_anything_changes(
    rounds: Rounds, fields: dict[str, Any], error: type[errors.AlserviceError], meant: str | None
) -> None:
    before = rounds.project
    with pytest.raises(error) as caught:
        rounds.query(fields.pop("count", 5), **fields)
    assert caught.value.metadata.get("did_you_mean") == meant
    assert rounds.project == before


def test_a_missing_project_is_named(rounds: Rounds) -> None:
    stranger = Rounds(rounds.wiring, rounds.catalog, rounds.store, rounds.trainer, "round")
    with pytest.raises(errors.ProjectNotFound) as caught:
        stranger.query()
    assert caught.value.metadata["did_you_mean"] == "rounds"


def test_a_project_without_vectors_can_only_be_asked_for_a_uniform_draw(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(space=VectorSpace(dimension=0))
    rounds.add(ids(9), dimension=0)
    for strategy in ("margin", "k_center"):
        with pytest.raises(errors.VectorsMissing, match=strategy):
            rounds.query(3, strategy=strategy)
    assert len(rounds.ask(3, strategy="random")) == 3


def test_a_cancelled_call_takes_nothing(rounds: Rounds) -> None:

    call = a_call()
    call.cancel.cancel()
    before = rounds.project
    with pytest.raises((Cancelled, errors.Cancelled)):
        rounds.query(3, call=call)
    assert rounds.project == before


def test_a_corrupt_segment_is_named_and_other_projects_go_on(
    rounds: Rounds, start: Callable[..., Rounds], tmp_path: Path
) -> None:
    broken = start("broken")
    with small_files(inline_bytes=0):
        broken.pool.add(items(ids(200)))
    (segment,) = broken.catalog.read(lambda tx: tx.segments.live("broken"))
    (file,) = (tmp_path / "data" / "segments").rglob(f"{segment.segment_id}*")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.unlink()
    file.write_bytes(data)
    fresh = LocalSegmentStore(tmp_path / "data" / "segments")
    again = begin(rounds.catalog, fresh, "elsewhere")
    again.add(ids(4))
    reopened = Rounds(again.wiring, rounds.catalog, fresh, rounds.trainer, "broken")
    with pytest.raises(errors.SegmentCorrupt) as caught:
        reopened.query(3)
    assert caught.value.metadata["segment"] == segment.segment_id
    assert len(again.ask(3)) == 3
