"""A real chromium, driven over its debugging pipe: no driver of others, no port."""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-sync --remote-debugging-pipe"


def _high(descriptor: int) -> int:
    """The same descriptor with a number that the child's own 3 and 4 cannot hit."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 20)
    os.close(descriptor)
    return moved


class Browser:
    """One page of a chromium of its own, as a context; `complaints` is what its console said."""

    def __init__(
        self, folder: Path, *, width: int = 1280, height: int = 900, language: str = "en-US"
    ) -> None:
        theirs, self._out = map(_high, os.pipe())
        self._in, their_out = map(_high, os.pipe())
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self._number, self._buffer = 0, b""
        argv = [
            str(CHROMIUM), *QUIET.split(), f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},{height}", f"--lang={language}", f"--accept-lang={language}", "about:blank",
        ]  # fmt: skip
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
        actions += [(os.POSIX_SPAWN_DUP2, theirs, 3), (os.POSIX_SPAWN_DUP2, their_out, 4)]
        self._pid = os.posix_spawn(str(CHROMIUM), argv, os.environ, file_actions=actions, setsid=True)
        for descriptor in (null, theirs, their_out):
            os.close(descriptor)
        self._session, self._folder = "", folder

    def __enter__(self) -> Self:
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self._folder))
        targets = self.call("Target.getTargets")["targetInfos"]
        [page] = [target for target in targets if target["type"] == "page"]
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._out)
        os.close(self._in)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the Chrome DevTools protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 60
        while True:
            told = self._next(deadline)
            if told.get("id") == self._number:
                assert "error" not in told, told["error"]
                return told["result"]

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], deadline - time.monotonic())
            assert ready, "chromium does not answer"
            data = os.read(self._in, 1 << 20)
            assert data, "chromium ended"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        told = json.loads(line)
        params = told.get("params", {})
        match told.get("method"):
            case "Log.entryAdded":
                self.complaints.append(params["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(params["args"]))
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case _:
                pass
        return told

    def evaluate(self, script: str) -> Any:
        """The value of an expression, or of the promise it is."""
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, script: str, seconds: float = 30) -> Any:
        """Wait until an expression is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.evaluate(script)):
            assert time.monotonic() < deadline, f"{script}: {self.evaluate('document.body.innerText')}"
            time.sleep(0.03)
        return value

    def visit(self, url: str) -> None:
        """Open a page and wait until its scripts ran."""
        self.call("Page.navigate", url=url)
        self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def type(self, text: str) -> None:
        """What a person types."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, code: int, text: str = "", modifiers: int = 0) -> None:
        """A key, as `Tab`, 9."""
        about: dict[str, Any] = {
            "key": key,
            "code": key,
            "windowsVirtualKeyCode": code,
            "modifiers": modifiers,
        }
        self.call("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def roles(self) -> set[tuple[str, str]]:
        """What a screen reader has: roles and names."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return {
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        }

    def picture(self, path: Path) -> None:
        """A screenshot of the whole page."""
        told = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))
