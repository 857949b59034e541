"""A replica that dies in the middle of its first call: nobody can know how far it came.

`python dying_replica.py FOLDER` writes its addresses to FOLDER/ready and a line for each call to
FOLDER/calls. It is healthy to whoever asks.
"""

import http.server
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


class Death(grpc.GenericRpcHandler):
    """Takes every call that nobody else takes."""

    def __init__(self, calls: Path) -> None:
        self.calls = calls

    def service(self, handler_call_details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(self.die)

    def die(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        with self.calls.open("a") as calls:
            calls.write("a call\n")
        os._exit(1)


class Healthy(http.server.BaseHTTPRequestHandler):
    """GET /healthz."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def main(folder: Path) -> None:
    """Serve until the first call."""
    servicer = health.HealthServicer()
    serving = health_pb2.HealthCheckResponse.SERVING
    servicer.set("alservice.api.v1.ActiveLearningService", serving)
    server = grpc.server(ThreadPoolExecutor(4))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_generic_rpc_handlers([Death(folder / "calls")])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    part = folder / "part"
    part.write_text(f"127.0.0.1:{port} 127.0.0.1:{web.server_port}")
    part.replace(folder / "ready")
    server.wait_for_termination()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
