"""Server reflection under both of its names, so that every generation of clients finds it.

grpcio-reflection serves `v1alpha` only. `v1` has the same messages under another package, so
the same servicer answers for it; its descriptor is the old one, renamed.
"""

from typing import Any, Final

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2

V1ALPHA: Final = reflection.SERVICE_NAME
V1: Final = "grpc.reflection.v1.ServerReflection"


def add_reflection(server: grpc.aio.Server, services: list[str]) -> None:
    """Let clients ask `server` what it serves: `services`, and reflection itself."""
    _describe_v1()
    servicer = _Servicer([*services, V1ALPHA, V1])
    server.add_generic_rpc_handlers([_handlers(name, servicer) for name in (V1ALPHA, V1)])


class _Servicer(reflection.aio.ReflectionServicer):  # type: ignore[misc]
    """Also knows methods by name, which the pool of descriptors does not find."""

    def _file_containing_symbol(self, request: Any, fully_qualified_name: str) -> Any:
        service, _, method = fully_qualified_name.rpartition(".")
        symbol = service if _has_method(service, method) else fully_qualified_name
        return super()._file_containing_symbol(request, symbol)


def _has_method(service: str, method: str) -> bool:
    try:
        found = descriptor_pool.Default().FindServiceByName(service)
    except KeyError:
        return False
    return method in found.methods_by_name


def _handlers(service: str, servicer: Any) -> grpc.GenericRpcHandler:
    method = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(service, {"ServerReflectionInfo": method})


def _describe_v1() -> None:
    """Add `grpc/reflection/v1/reflection.proto` to the pool of descriptors."""
    new = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(new)
    new.name, new.package = "grpc/reflection/v1/reflection.proto", "grpc.reflection.v1"
    for field in (field for message in new.message_type for field in message.field):
        if field.HasField("type_name"):
            field.type_name = _renamed(field.type_name)
    for method in new.service[0].method:
        method.input_type = _renamed(method.input_type)
        method.output_type = _renamed(method.output_type)
    descriptor_pool.Default().AddSerializedFile(new.SerializeToString())


def _renamed(name: str) -> str:
    return name.replace(".v1alpha.", ".v1.")
