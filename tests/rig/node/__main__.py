"""`python -m rig.node`: be a test node until SIGTERM."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from rig.node.agent import Agent
from rig.node.api import Api
from rig.node.environment import Images
from rig.node.host import Host

BAD_IMAGE = "unpullable.example/"


def main() -> None:
    """Read the arguments and run."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if sys.version_info < (3, 12):
        # The default from then on. Before, there was a thread for each process, and no fork is safe beside threads.
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
    asyncio.run(_run(_parser().parse_args()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rig.node", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="with the CA as a file and a token")
    parser.add_argument("--name", required=True)
    parser.add_argument("--directory", type=Path, required=True, help="where pods work and log")
    parser.add_argument("--address-block", required=True, help="such as 127.64.1; pods get an address of it each")
    parser.add_argument(
        "--images", type=Path, help='JSON: {"image": ["command", ...]}, or null for an image that cannot be pulled'
    )
    parser.add_argument(
        "--bad-image",
        action="append",
        default=[BAD_IMAGE],
        help=f"images that begin like this cannot be pulled; {BAD_IMAGE} always is one of them",
    )
    parser.add_argument(
        "--backoff-base-seconds", type=float, default=0.5, help="the first pause before a restart, doubled each time"
    )
    return parser


def images(table: Path | None, bad_prefixes: Sequence[str]) -> Images:
    """Return the images of a table and of prefixes."""
    read = json.loads(table.read_text()) if table is not None else {}
    commands = {image: None if command is None else tuple(command) for image, command in read.items()}
    return Images(commands, tuple(bad_prefixes))


async def _run(arguments: argparse.Namespace) -> None:
    # As a kubelet's: one connection for each question, and no cookies.
    web = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "kube-probe/rig-node"},
    )
    async with Api(arguments.kubeconfig) as api, web:
        host = Host(
            api,
            web,
            arguments.name,
            arguments.address_block,
            arguments.directory.resolve(),
            images(arguments.images, arguments.bad_image),
            arguments.backoff_base_seconds,
        )
        running = asyncio.create_task(Agent(host).run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()


if __name__ == "__main__":
    main()
