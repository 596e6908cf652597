"""`python -m rig.node`: be a test node until SIGTERM."""

import argparse
import asyncio
import signal
from pathlib import Path

from rig.node.agent import Agent
from rig.node.api import Api


async def _run(arguments: argparse.Namespace) -> None:
    async with Api(arguments.kubeconfig) as api:
        agent = Agent(
            api,
            arguments.name,
            arguments.directory,
            arguments.address_block,
            tuple(arguments.bad_image),
            arguments.backoff_base_seconds,
        )
        running = asyncio.create_task(agent.run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        await asyncio.wait({running})


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="rig.node", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--directory", type=Path, required=True, help="where pods work and log")
    parser.add_argument("--address-block", required=True, help="such as 127.20.30; pods get an address of it each")
    parser.add_argument(
        "--bad-image", action="append", default=["unpullable.example/"], help="images that begin like this fail"
    )
    parser.add_argument("--backoff-base-seconds", type=float, default=0.5, help="first pause before a restart")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
