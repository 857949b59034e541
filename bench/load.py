"""Clients of a service: Query or SubmitLabels, in turn at each replica, a number of calls in all.

Run as a program with JSON; prints the seconds that all of it took, and waits to be killed.
"""

import json
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import cycle

import grpc

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.api.v1 import label_pb2
from alservice.api.v1.active_learning_service_pb2_grpc import ActiveLearningServiceStub
from bench.paired import seconds
from bench.service import class_id, item_id

BATCH = 10
Call = Callable[[str, ActiveLearningServiceStub, int], None]


def query(project: str, learning: ActiveLearningServiceStub, _number: int) -> None:
    """A batch, given back at once."""
    request = pb.QueryRequest(project=project, batch_size=BATCH, strategy="margin")
    batch = learning.Query(request).batch
    learning.ReleaseBatch(pb.ReleaseBatchRequest(name=batch.name))


def submit(project: str, learning: ActiveLearningServiceStub, number: int) -> None:
    """One label."""
    label = label_pb2.Label(
        item_id=item_id(number),
        class_id=class_id(number % 2),
        outcome=label_pb2.LABEL_OUTCOME_VALUE,
    )
    learning.SubmitLabels(pb.SubmitLabelsRequest(project=project, labels=[label]))


KINDS: dict[str, Call] = {"query": query, "submit": submit}


def main(said: str) -> None:
    """Make the calls: addresses, project, kind, first (the number of an item), calls, clients."""
    asked = json.loads(said)
    with ExitStack() as stack:
        channels = [stack.enter_context(grpc.insecure_channel(a)) for a in asked["addresses"]]
        for channel in channels:
            grpc.channel_ready_future(channel).result()
        stubs = cycle([ActiveLearningServiceStub(channel) for channel in channels])
        numbers = range(asked["first"], asked["first"] + asked["calls"])
        call = partial(KINDS[asked["kind"]], asked["project"])

        def make_calls() -> None:
            with ThreadPoolExecutor(asked["clients"]) as threads:
                list(threads.map(call, stubs, numbers))  # `stubs` has no end

        print(seconds(make_calls), flush=True)
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
