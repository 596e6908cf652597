"""Probes: one question to a container, asked by HTTP, by TCP or by a command."""

import asyncio
from collections.abc import Mapping
from typing import Any

Container = Mapping[str, Any]


async def passes(probe: Mapping[str, Any], container: Container, pod_ip: str, environment: Mapping[str, str]) -> bool:
    """Return whether the probe passes within its timeout."""
    seconds = float(probe.get("timeoutSeconds", 1))
    try:
        async with asyncio.timeout(seconds):
            if "httpGet" in probe:
                return await _http(probe["httpGet"], container, pod_ip)
            if "tcpSocket" in probe:
                return await _tcp(probe["tcpSocket"], container, pod_ip)
            return await _exec(probe["exec"]["command"], environment)
    except (OSError, TimeoutError, EOFError, ValueError):
        return False


async def _http(request: Mapping[str, Any], container: Container, pod_ip: str) -> bool:
    host = request.get("host") or pod_ip
    port = _port(request["port"], container)
    reader, writer = await asyncio.open_connection(host, port)
    try:
        path = request.get("path") or "/"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        status = await reader.readline()
        return 200 <= int(status.split()[1]) < 400
    except IndexError:
        return False
    finally:
        writer.close()


async def _tcp(request: Mapping[str, Any], container: Container, pod_ip: str) -> bool:
    _, writer = await asyncio.open_connection(request.get("host") or pod_ip, _port(request["port"], container))
    writer.close()
    return True


async def _exec(command: list[str], environment: Mapping[str, str]) -> bool:
    process = await asyncio.create_subprocess_exec(
        *command, env=dict(environment), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        return await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()


def _port(port: int | str, container: Container) -> int:
    if isinstance(port, int):
        return port
    named = {each.get("name"): each["containerPort"] for each in container.get("ports") or ()}
    if port not in named:
        raise ValueError(f"no port is named {port}")
    return int(named[port])
