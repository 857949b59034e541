"""A proxy between us and the S3 server that cuts, dawdles, stays silent, or answers 503 itself."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST
VERBS: Final = (b"GET ", b"PUT ", b"POST ", b"HEAD ", b"DELETE ")
BUSY: Final = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 0\r\n\r\n"
)
NEVER: Final = 1 << 62
CHUNK: Final = 1 << 16


@dataclass(slots=True)
class Faults:
    """What goes wrong from now on. Counts go down as it happens; set them at any time."""

    busy: int = 0  # so many requests are answered 503
    cuts: int = 0  # so many connections are cut, each after `cut_after` more bytes either way
    cut_after: int = 0
    silent: int = 0  # so many requests are swallowed and never answered
    slow: int = 0  # so many requests are answered `slow_s` later
    slow_s: float = 0.0
    sent_bytes: int = 0  # what has passed towards us
    requests: int = 0
    watch: Callable[[bytes], None] = lambda _: None  # sees everything on its way to the server
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str) -> bool:
        """Whether it is to happen now."""
        with self.lock:
            left: int = getattr(self, name)
            if left > 0:
                setattr(self, name, left - 1)
            return left > 0


class S3Proxy:
    """Listens on `port` of this machine; forwards to `target`."""

    def __init__(self, target: int) -> None:
        self.faults = Faults()
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """For AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Accept no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                link = _Link(near, far, self.faults)
                for pump in (link.up, link.down):
                    threading.Thread(target=pump, daemon=True).start()


class _Link:
    """One connection: two threads, each ends both when its side ends."""

    def __init__(self, near: socket.socket, far: socket.socket, faults: Faults) -> None:
        self._near, self._far, self._faults = near, far, faults
        self._left = NEVER  # bytes until the cut

    def up(self) -> None:
        with suppress(OSError):
            while data := self._near.recv(CHUNK):
                if data.startswith(VERBS) and not self._may_ask():
                    return
                self._faults.watch(data)
                self._pass(self._far, data)
        self._end()

    def down(self) -> None:
        with suppress(OSError):
            while data := self._far.recv(CHUNK):
                self._pass(self._near, data)
                self._faults.sent_bytes += len(data)
        self._end()

    def _may_ask(self) -> bool:
        """Whether a request goes through; if not, it has had its answer, or gets none."""
        self._faults.requests += 1
        if self._faults.take("busy"):
            self._near.sendall(BUSY)
            self._near.shutdown(socket.SHUT_WR)
            self._swallow()
            return False
        if self._faults.take("silent"):
            self._swallow()
            return False
        if self._faults.take("slow"):
            threading.Event().wait(self._faults.slow_s)
        if self._faults.take("cuts"):
            self._left = self._faults.cut_after
        return True

    def _swallow(self) -> None:
        """Read until the other side gives up."""
        with suppress(OSError):
            while self._near.recv(CHUNK):
                pass
        self._end()

    def _pass(self, to: socket.socket, data: bytes) -> None:
        to.sendall(data[: max(self._left, 0)])
        self._left -= len(data)
        if self._left < 0:
            self._near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            raise ConnectionResetError

    def _end(self) -> None:
        for side in (self._near, self._far):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()


@contextmanager
def s3_proxy(target: int) -> Iterator[S3Proxy]:
    """A proxy that forwards everything until its faults say otherwise."""
    proxy = S3Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
