"""The context of a call, as grpc.aio hands it to a servicer."""

from typing import Any, TypeAlias

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
