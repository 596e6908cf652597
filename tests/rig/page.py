"""One page in a headless browser, driven by Chrome's DevTools protocol over its WebSocket."""

import asyncio
import base64
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse

from rig.browser import browser
from rig.errors import RigError, StartError

START_SECONDS = 60
ANSWER_SECONDS = 30
STOP_SECONDS = 10
FLAGS = (
    "--headless",
    # The pages are our own, and a sandbox is not to be had everywhere, such as for root.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}


class PageError(RigError):
    """A script of the page failed, or what was waited for did not come."""


class Page:
    """The page; made by `opened`."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        """Talk to a page that this socket is connected with."""
        self._socket = socket
        self._number = 0
        self.messages: list[str] = []
        """Errors of the page's scripts, and what the browser found wrong with it, such as what its
        Content-Security-Policy blocked; not the answers of its server."""

    async def call(self, method: str, **parameters: Any) -> Any:
        """Send one command of the protocol and return its result."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                message = json.loads(await self._socket.receive_str())
                self._note(message)
                if message.get("id") == self._number:
                    if "error" in message:
                        raise PageError(f"{method}: {message['error']['message']}")
                    return message["result"]

    def _note(self, message: Any) -> None:
        match message.get("method"):
            case "Log.entryAdded" if message["params"]["entry"]["source"] != "network":
                self.messages.append(message["params"]["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.messages.append(str(message["params"]["exceptionDetails"]))

    async def goto(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        await self.call("Page.navigate", url=url)
        await self.until(f"document.readyState === 'complete' && location.href === {json.dumps(url)}")

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise PageError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    async def until(self, condition: str, seconds: float = 15) -> None:
        """Wait until an expression is true; raises `PageError` where it is not in time."""
        failed = ""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        if await self.evaluate(f"Boolean({condition})"):
                            return
                    except PageError as error:
                        # A page that is being left answers nothing; another one may be about to come.
                        failed = f" ({error})"
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise PageError(f"not within {seconds:g} s: {condition}{failed}") from error

    async def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key as a person does: Tab, Enter, Escape or the space bar."""
        text = {"text": "\r"} if key == "Enter" else {"text": key} if key == " " else {}
        event = {"key": key, "windowsVirtualKeyCode": KEYS[key], "modifiers": 8 if shift else 0}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    async def resize(self, width: int, height: int) -> None:
        """Give the page a screen of this size, in CSS pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def prefer(self, scheme: str) -> None:
        """Let the user prefer the colour scheme `light` or `dark`."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.call("Emulation.setEmulatedMedia", features=[feature])

    async def screenshot(self, path: Path) -> None:
        """Write a picture (PNG) of the whole page."""
        found = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))


@asynccontextmanager
async def opened(width: int = 1280, height: int = 800) -> AsyncIterator[Page]:
    """Yield an empty page in a browser of its own, which ends with the block."""
    with tempfile.TemporaryDirectory(prefix="pennant-browser-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            str(browser()),
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with ClientSession() as session:
                url = await _address(session, Path(profile), process)
                async with session.ws_connect(url, max_msg_size=0) as socket:
                    page = Page(socket)
                    for domain in ("Page", "Runtime", "Log"):
                        await page.call(f"{domain}.enable")
                    await page.resize(width, height)
                    yield page
                    with suppress(PageError, TimeoutError, TypeError):
                        await page.call("Browser.close")
        finally:
            await _ended(process)


async def _address(session: ClientSession, profile: Path, process: asyncio.subprocess.Process) -> str:
    """Return the WebSocket of the page that the browser opened."""
    try:
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                with suppress(OSError, IndexError, ClientError):
                    port = (profile / "DevToolsActivePort").read_text().splitlines()[0]
                    async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                        return next(str(each["webSocketDebuggerUrl"]) for each in await answer.json())
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise StartError(f"the browser was not ready within {START_SECONDS} s") from error
    raise StartError(f"the browser ended with code {process.returncode} while it started")


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
