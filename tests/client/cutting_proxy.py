"""A TCP proxy that cuts connections in the middle, as bad networks do."""

import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


@dataclass
class Cut:
    """How much one connection may carry before it breaks."""

    up_bytes: int = 1 << 62
    down_bytes: int = 1 << 62


@dataclass
class CuttingProxy:
    """`cuts` apply to the connections in their order; later ones live on."""

    target: tuple[str, int]
    cuts: Iterator[Cut]
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    cut_count: int = 0
    open: list[socket.socket] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return  # closed: the test is over
            try:
                far = socket.create_connection(self.target)
            except OSError:
                near.close()
                continue
            self.open += [near, far]
            cut = next(self.cuts, Cut())
            for source, sink, limit in ((near, far, cut.up_bytes), (far, near, cut.down_bytes)):
                threading.Thread(target=self.pump, args=(source, sink, limit), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket, limit: int) -> None:
        carried = 0
        try:
            while data := source.recv(min(65536, limit - carried)):
                sink.sendall(data)
                carried += len(data)
                if carried >= limit:
                    self.cut_count += 1
                    break
        except OSError:
            pass  # the other direction was cut
        for end in (source, sink):
            cut_off(end)


def cut_off(end: socket.socket) -> None:
    """Closes at once, whoever is reading or writing."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is closed already
    end.close()


@contextmanager
def cutting_proxy(address: str, cuts: Iterable[Cut], own_port: int = 0) -> Iterator[CuttingProxy]:
    """A proxy in front of the server at `address`, on a free port or on one that was its own."""
    host, _, port = address.rpartition(":")
    listener = socket.create_server(("127.0.0.1", own_port))
    proxy = CuttingProxy((host, int(port)), iter(cuts), listener)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.listener.shutdown(socket.SHUT_RDWR)
        proxy.listener.close()
        thread.join()
        for end in proxy.open:
            cut_off(end)
