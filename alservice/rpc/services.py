"""All proto services with their servicers: a new one is named here once."""

from collections.abc import Callable
from typing import Any, Final

import grpc.aio
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.descriptor import FileDescriptor

from alservice.api.v1 import (
    active_learning_service_pb2,
    active_learning_service_pb2_grpc,
    insight_service_pb2,
    insight_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
    pool_service_pb2,
    pool_service_pb2_grpc,
    project_service_pb2,
    project_service_pb2_grpc,
    strategy_service_pb2,
    strategy_service_pb2_grpc,
)
from alservice.rpc.active_learning_service import ActiveLearningServicer
from alservice.rpc.insight_service import InsightServicer
from alservice.rpc.model_service import ModelServicer
from alservice.rpc.operations_service import OperationsServicer
from alservice.rpc.pool_service import PoolServicer
from alservice.rpc.project_service import ProjectServicer
from alservice.rpc.server import Service
from alservice.rpc.strategy_service import StrategyServicer

# Each proto service: the file that describes it, its servicer, and how gRPC adds it to a server.
SERVICES: Final[tuple[tuple[FileDescriptor, type[Any], Callable[..., None]], ...]] = (
    (
        active_learning_service_pb2.DESCRIPTOR,
        ActiveLearningServicer,
        active_learning_service_pb2_grpc.add_ActiveLearningServiceServicer_to_server,
    ),
    (
        project_service_pb2.DESCRIPTOR,
        ProjectServicer,
        project_service_pb2_grpc.add_ProjectServiceServicer_to_server,
    ),
    (
        pool_service_pb2.DESCRIPTOR,
        PoolServicer,
        pool_service_pb2_grpc.add_PoolServiceServicer_to_server,
    ),
    (
        model_service_pb2.DESCRIPTOR,
        ModelServicer,
        model_service_pb2_grpc.add_ModelServiceServicer_to_server,
    ),
    (
        strategy_service_pb2.DESCRIPTOR,
        StrategyServicer,
        strategy_service_pb2_grpc.add_StrategyServiceServicer_to_server,
    ),
    (
        insight_service_pb2.DESCRIPTOR,
        InsightServicer,
        insight_service_pb2_grpc.add_InsightServiceServicer_to_server,
    ),
    (
        operations_pb2.DESCRIPTOR,
        OperationsServicer,
        operations_pb2_grpc.add_OperationsServicer_to_server,
    ),
)


def services(make: Callable[[type[Any]], object]) -> list[Service]:
    """All of them; `make` makes a servicer."""
    return [
        Service(_full_name(file), _adder(add, make(servicer))) for file, servicer, add in SERVICES
    ]


def _full_name(file: FileDescriptor) -> str:
    (service,) = file.services_by_name.values()
    return str(service.full_name)


def _adder(add: Callable[..., None], servicer: object) -> Callable[[grpc.aio.Server], None]:
    return lambda server: add(servicer, server)
