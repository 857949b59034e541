"""What happens round every RPC: it is named, counted, admitted, checked, logged and translated.

One interceptor for all shapes of RPC. Our handlers are coroutines or async generators; gRPC's
own (health, reflection) pass through the same code.
"""

import asyncio
import contextlib
import inspect
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import grpc
import grpc.aio

from alservice import core
from alservice.domain import errors
from alservice.ports.authenticator import Authenticator, Credentials
from alservice.rpc.access_log import describe, log_rpc, log_unforeseen
from alservice.rpc.in_flight import CURRENT, Cause, InFlight, Rpc
from alservice.rpc.status import is_foreseen, status_of
from alservice.rpc.violations import check_request
from alservice.telemetry.metrics import Metrics

REQUEST_ID: Final = "x-request-id"
MAX_REQUEST_ID: Final = 128
# These answer while the server drains, and hold nothing up.
INFRASTRUCTURE: Final = ("grpc.health.", "grpc.reflection.")
# Not ours to translate: the end of a generator, the end of the process, a status set already.
PASSING: Final = (GeneratorExit, KeyboardInterrupt, SystemExit, grpc.aio.AbortError)
STOPPED: Final = (asyncio.CancelledError, core.Cancelled, errors.Cancelled)

Around = Callable[[Any, Any], AbstractAsyncContextManager[None]]


@dataclass(slots=True, eq=False)
class Interceptor(grpc.aio.ServerInterceptor):
    """Wraps the handler of each RPC."""

    authenticator: Authenticator
    in_flight: InFlight = field(default_factory=InFlight)
    metrics: Metrics = field(default_factory=Metrics)

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """The handler, wrapped; None for a method that nobody serves."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method.removeprefix("/")
        return handler and wrap(handler, partial(self.around, method))

    @contextlib.asynccontextmanager
    async def around(self, method: str, request: Any, context: Any) -> AsyncIterator[None]:
        """Everything that is the same for all RPCs."""
        rpc = Rpc(method, context, request_id_of(context))
        describe(rpc, request)
        CURRENT.set(rpc)
        context.set_trailing_metadata(((REQUEST_ID, rpc.request_id),))
        with self._observed(rpc):
            try:
                with self._admitted(rpc):
                    check_request(request)
                    yield
            except asyncio.CancelledError as error:
                if rpc.cause is not Cause.DRAIN:
                    raise
                await _abort(rpc, error)  # the caller is still there, and is told
            except PASSING:
                raise
            except BaseException as error:  # noqa: BLE001 a panic of the core is no Exception
                await _abort(rpc, error)

    @contextlib.contextmanager
    def _admitted(self, rpc: Rpc) -> Iterator[None]:
        if rpc.method.startswith(INFRASTRUCTURE):
            yield
            return
        with self.in_flight.admit(rpc), rpc.deadline():
            rpc.principal = self.authenticator.authenticate(credentials_of(rpc.context))
            yield

    @contextlib.contextmanager
    def _observed(self, rpc: Rpc) -> Iterator[None]:
        started = time.perf_counter()
        self.metrics.begin(rpc.method)
        code = None
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            code = rpc.stop_without_caller().code
            raise
        finally:
            code = code or _code(rpc.context)
            seconds = time.perf_counter() - started
            self.metrics.end(rpc.method, code.name, seconds)
            log_rpc(rpc, code, seconds)


def wrap(handler: Any, around: Around) -> Any:
    """The same handler, with `around` round its behaviour."""
    takes, gives = (
        "stream" if streams else "unary"
        for streams in (handler.request_streaming, handler.response_streaming)
    )
    behaviour = getattr(handler, f"{takes}_{gives}")
    guard = _guard_generator if inspect.isasyncgenfunction(behaviour) else _guard_coroutine
    make = getattr(grpc, f"{takes}_{gives}_rpc_method_handler")
    return make(
        guard(behaviour, around),
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


def _guard_coroutine(behaviour: Any, around: Around) -> Any:
    async def guarded(request: Any, context: Any) -> Any:
        async with around(request, context):
            return await behaviour(request, context)

    return guarded


def _guard_generator(behaviour: Any, around: Around) -> Any:
    async def guarded(request: Any, context: Any) -> AsyncIterator[Any]:
        async with around(request, context):
            async for response in behaviour(request, context):
                yield response

    return guarded


def request_id_of(context: Any) -> str:
    """What the caller calls its request, if that can stand in a log; a fresh name otherwise."""
    given = dict(context.invocation_metadata() or ()).get(REQUEST_ID, "")
    fits = isinstance(given, str) and 0 < len(given) <= MAX_REQUEST_ID and given.isprintable()
    return str(given) if fits else secrets.token_hex(8)


def credentials_of(context: Any) -> Credentials:
    """What the connection says about its caller."""
    names = context.auth_context().get("x509_common_name", [b""])
    texts = {k: v for k, v in context.invocation_metadata() or () if isinstance(v, str)}
    return Credentials(context.peer(), names[0].decode(errors="replace"), texts)


async def _abort(rpc: Rpc, error: BaseException) -> None:
    """End the RPC with the status of `error`. Raises AbortError."""
    if rpc.cause is not None and isinstance(error, STOPPED):
        error = rpc.cause.error()
    if not is_foreseen(error):
        log_unforeseen(rpc, error)
    status = status_of(error, rpc.request_id)
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    trailers = (
        (REQUEST_ID, rpc.request_id),
        ("grpc-status-details-bin", status.SerializeToString()),
    )
    await rpc.context.abort(code, status.message, trailers)


def _code(context: Any) -> grpc.StatusCode:
    """The status that a handler has set, OK if none."""
    number = context.code() or 0
    value = number.value[0] if isinstance(number, grpc.StatusCode) else number
    return next(code for code in grpc.StatusCode if code.value[0] == value)
