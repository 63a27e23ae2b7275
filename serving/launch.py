"""The service on a port, until it is told to stop."""

import errno
import math
import os
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from data.errors import ContractError
from serving import collecting
from serving.app import create_app
from serving.logs import start_logging
from serving.platforms.settings import from_environment
from serving.protocol import BoundedProtocol
from serving.settings import Settings
from serving.staying import until_stopped


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at ``host``; port 0 takes a free one. Raises ContractError when it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = "something else listens there" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
        raise ContractError(
            f"Cannot listen at {host} port {port}: {reason}. Choose another --port (0 takes a free one) or --host."
        ) from None


def address(listening: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(settings: Settings, listening: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; open requests are answered first. Raises what kept the bundle from loading."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    start_logging()
    failures: list[Exception] = []

    def stop(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    platforms = from_environment(os.environ)
    app = create_app(settings, on_failure=stop, platforms=platforms, on_first=collecting.settled)
    server = server_of(app, settings.stop_s)
    with until_stopped():  # uvicorn raises the signal that ended it once more
        announce(address(listening))
        server.run(sockets=[listening])
    if failures:
        raise failures[0]


def server_of(app: FastAPI, stop_s: float) -> uvicorn.Server:
    """A server with this service's limits; told to stop, it gives open requests ``stop_s`` seconds."""
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(stop_s),
    )
    return uvicorn.Server(config)
