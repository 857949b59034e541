"""One durable label per call while Query runs: beside the least RPC with one flushed commit.

Both are called in turn, under the same load.
"""

from collections.abc import Callable, Iterator

import grpc
import numpy as np

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.api.v1 import label_pb2
from alservice.api.v1.active_learning_service_pb2_grpc import ActiveLearningServiceStub
from bench.beside import beside
from bench.paired import seconds
from bench.pools import CLASSES, pool
from bench.rows import Row, compare
from bench.service import LABELS, class_id, item_id, scratch, served
from bench.sizes import sized

ROWS = sized(1_000_000, 3_000)
CALLS = sized(400, 30)
WARM = sized(20, 2)
PEER = "bare RPC + FULL commit"
# Late: the item has been in a batch that the load has given back.
STORED = {label_pb2.LABEL_STATUS_RECORDED, label_pb2.LABEL_STATUS_LATE}


def run() -> Iterator[Row]:
    """All rows of this case."""
    with served() as service, scratch() as folder:
        project = service.create_project("labels")
        service.add_items(project, pool("clustered", ROWS))
        service.train(project)
        with (
            beside("bench.bare_commit", str(folder)) as address,
            grpc.insecure_channel(address) as channel,
        ):
            bare = ActiveLearningServiceStub(channel)
            yield from _rows("idle", *_measured(project, service.learning, bare))
            with beside("bench.query_loop", service.address, project):
                busy = _measured(project, service.learning, bare, LABELS + CALLS + WARM)
            yield from _rows("busy", *busy)


def _rows(name: str, ours: list[float], theirs: list[float]) -> Iterator[Row]:
    for percent, bound in ((50, 3), (99, 10)):
        yield compare(
            f"label-{name}-p{percent}",
            float(np.percentile(ours, percent)),
            PEER,
            float(np.percentile(theirs, percent)),
            "<=",
            bound,
        )


def _measured(
    project: str,
    service: ActiveLearningServiceStub,
    bare: ActiveLearningServiceStub,
    first_row: int = LABELS,
) -> tuple[list[float], list[float]]:
    """Seconds of each call to either side, in turn."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(CALLS + WARM):
        label = label_pb2.Label(
            item_id=item_id(first_row + number),
            class_id=class_id(number % CLASSES),
            outcome=label_pb2.LABEL_OUTCOME_VALUE,
        )
        request = pb.SubmitLabelsRequest(project=project, labels=[label])
        sides: list[tuple[ActiveLearningServiceStub, list[float]]] = [
            (service, ours),
            (bare, theirs),
        ]
        for stub, times in sides if number % 2 else reversed(sides):
            times.append(seconds(_submit(stub, request)))
    return ours[WARM:], theirs[WARM:]


def _submit(
    stub: ActiveLearningServiceStub, request: pb.SubmitLabelsRequest
) -> Callable[[], object]:
    def submit() -> None:
        (status,) = stub.SubmitLabels(request).statuses
        if status not in STORED:
            raise RuntimeError(f"the label for {request.labels[0].item_id} was not recorded")

    return submit
