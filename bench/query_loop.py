"""The load of the SubmitLabels case: Query, ReleaseBatch, without end.

Run as a program with an address and a project: prints a line after the first round.
"""

import sys

import grpc

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.api.v1.active_learning_service_pb2_grpc import ActiveLearningServiceStub
from bench.asked import BATCH


def main(address: str, project: str) -> None:
    """Query until the process is killed."""
    with grpc.insecure_channel(address) as channel:
        learning, told = ActiveLearningServiceStub(channel), False
        while True:
            request = pb.QueryRequest(project=project, batch_size=BATCH, strategy="margin")
            batch = learning.Query(request).batch
            learning.ReleaseBatch(pb.ReleaseBatchRequest(name=batch.name))
            if not told:
                print("querying", flush=True)
                told = True


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
