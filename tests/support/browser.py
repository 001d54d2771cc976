"""A real browser: Debian's Chromium, without a screen, driven over WebDriver.

It has a profile of its own that is gone afterwards, and asks nobody but the pages under test for anything.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import axe_core_python  # type: ignore[import-untyped]
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.require import require_program

T = TypeVar("T")

_SECONDS: Final = 60.0  # what a page, or the change that it is to show, may take on a busy machine
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
)
# Where the pictures go, where somebody wants them.
PICTURES: Final = "MX_EXPORTER_PICTURES"
# WCAG 2.2.1 allows what comes by itself where one can turn it off, as here; the rule knows only of the tag.
# What it finds right would be listed at length, which is a third of the work.
_AXE_OPTIONS: Final = '{rules: {"meta-refresh": {enabled: false}}, resultTypes: ["violations"]}'
_AXE: Final = Path(axe_core_python.__file__).with_name("axe.min.js")


class Browser:
    """One window."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver
        self._waiting = WebDriverWait(driver, _SECONDS, poll_frequency=0.05)
        self._reloading = WebDriverWait(driver, _SECONDS, poll_frequency=0.25)  # a page keeps a core busy for a while

    def open(self, url: str) -> None:
        """Go there."""
        self._driver.get(url)

    @property
    def url(self) -> str:
        """Where it is."""
        return self._driver.current_url

    @property
    def title(self) -> str:
        """What the page is called."""
        return self._driver.title

    @property
    def text(self) -> str:
        """What is to be seen of it."""
        return self.find("body").text

    def find(self, selector: str) -> WebElement:
        """The first element that a CSS selector finds."""
        return self._driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> Sequence[WebElement]:
        """All of them."""
        return self._driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """What is written in them."""
        return [element.text for element in self.all(selector)]

    def text_of(self, selector: str) -> str:
        """What is written in the first one."""
        return self.find(selector).text

    def press(self, key: str) -> None:
        """A key, wherever the keyboard is at."""
        ActionChains(self._driver).send_keys(key).perform()

    def reload(self) -> None:
        """The same address again."""
        self._driver.refresh()

    def link(self, text: str) -> WebElement:
        """The link with this text."""
        return self._driver.find_element(By.LINK_TEXT, text)

    @property
    def focused(self) -> WebElement:
        """What the keyboard is at."""
        return self._driver.switch_to.active_element

    def leave_by(self, action: Callable[[], object]) -> None:
        """Do what leads to another page, and wait until it is there."""
        before = self.find("html")
        action()
        self._waiting.until(
            lambda _: self.find("html") != before and self.evaluate("document.readyState == 'complete'")
        )

    def until(self, condition: Callable[[], T]) -> T:
        """Load the page again and again until it is so."""

        def reloaded(_: object) -> T:
            self._driver.refresh()
            return condition()

        return self._reloading.until(reloaded)

    def wait(self, condition: Callable[[], T]) -> T:
        """Look again and again until it is so; the page does what it does."""
        return self._waiting.until(lambda _: condition())

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, whatever the page's policy is."""
        got = self._cdp("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in got, got["exceptionDetails"]
        return got["result"].get("value")

    def scripts(self, *, allowed: bool) -> None:
        """From now on as one in which somebody has switched JavaScript on or off."""
        self._cdp("Emulation.setScriptExecutionDisabled", value=not allowed)

    def grant(self, *permissions: str) -> None:
        """Let the page do what a person would have to allow."""
        self._cdp("Browser.grantPermissions", permissions=list(permissions))

    def look(self, *, dark: bool = False, width: int = 1280, height: int = 800) -> None:
        """From now on with a window of this size, and this wish for colours."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._cdp("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._cdp("Emulation.setDeviceMetricsOverride", **size)

    def zone(self, name: str) -> None:
        """From now on in this time zone; "": that of the machine."""
        self._cdp("Emulation.setTimezoneOverride", timezoneId=name)

    def complaints(self) -> list[str]:
        """What it has written to its console since it was asked last: errors, refused resources, violated policies."""
        return [str(entry["message"]) for entry in self._driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def barriers(self) -> list[str]:
        """What axe-core holds against the page: who cannot use it, and where."""
        self.evaluate(_AXE.read_text(encoding="utf-8") + ";0")
        found = self.evaluate(f"axe.run(document, {_AXE_OPTIONS})")
        return [
            f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def roles(self) -> Counter[str]:
        """What there is of the page for a screen reader, by role."""
        nodes = self._cdp("Accessibility.getFullAXTree")["nodes"]
        return Counter(str(node["role"]["value"]) for node in nodes if not node["ignored"])

    def asked(self) -> list[str]:
        """Everything that the page has loaded."""
        return list(self.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)"))

    def picture(self, name: str) -> None:
        """Keep what is to be seen as PNG, where the environment wants it."""
        folder = os.environ.get(PICTURES)
        if folder:
            taken = self._cdp("Page.captureScreenshot", format="png")
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))

    def _cdp(self, command: str, **parameters: Any) -> Any:
        return self._driver.execute_cdp_cmd(command, parameters)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser until the end of the block."""
    program, driver_program = require_program("chromium"), require_program("chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(prefix="mx-browser-", ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(driver_program))
        try:
            yield Browser(driver)
        finally:
            driver.quit()
