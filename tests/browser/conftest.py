"""One Chromium for all of these tests, a fresh context a test, and a trader who is logged in. Screenshots: ENERGYOPTI_HOME/screenshots."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from energyopti.organisations.models import User
from tests import requires

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
Open = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Playwright's loop runs in this thread, and Django takes a running loop for an async view: allowed here, and here alone."""
    path = requires.browser()
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS, headless=True)
        yield chromium
        chromium.close()


@pytest.fixture
def session(served: str) -> dict[str, str]:
    """The cookie of a superuser, who may open every page."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value, "url": served}


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console and the security policy had to say: a test that opened pages ends with none."""
    return []


@pytest.fixture
def open_page(browser: Browser, served: str, session: dict[str, str], complaints: list[str]) -> Iterator[Open]:
    """open_page("/markets/", width=390, theme="dark", known=False, idle=True): the page, with `idle` once nothing is loading any more."""
    contexts: list[BrowserContext] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    def opened(path: str, *, width: int = 1280, theme: str = "light", known: bool = True, script: bool = True, idle: bool = False) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, java_script_enabled=script)  # type: ignore[arg-type]
        contexts.append(context)
        if known:
            context.add_cookies([session])  # type: ignore[list-item]
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        page.on("requestfailed", lambda request: complaints.append(f"not loaded: {request.url} {request.failure}"))
        page.goto(served + path, wait_until="networkidle" if idle else "load")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def keep() -> Callable[[Page, str], None]:
    """Keeps a picture of the whole page for people to look at."""
    folder = Path(os.environ["ENERGYOPTI_HOME"]) / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)

    def kept(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    return kept
