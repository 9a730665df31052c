"""A machine without a browser skips, and fails where REQUIRE says that it must have one; what is skipped is told by reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import plugin, requires

pytest_plugins = ["pytester"]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has neither."""
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)


@pytest.mark.parametrize("need", [requires.browser, requires.pdf])
def test_what_is_missing_skips(bare: None, monkeypatch: pytest.MonkeyPatch, need) -> None:
    monkeypatch.setenv("REQUIRE", "")
    with pytest.raises(pytest.skip.Exception, match="is not installed"):
        need()


@pytest.mark.parametrize(("need", "name"), [(requires.browser, "browser"), (requires.pdf, "pdf")])
def test_what_is_required_fails(bare: None, monkeypatch: pytest.MonkeyPatch, need, name: str) -> None:
    monkeypatch.setenv("REQUIRE", "browser, pdf")
    with pytest.raises(pytest.fail.Exception, match=f"is not installed.*REQUIRE names {name}"):
        need()


def test_one_that_is_not_named_skips(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE", "pdf")
    with pytest.raises(pytest.skip.Exception):
        requires.browser()


def test_a_browser_that_is_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/opt/{name}" if name == "chromium-browser" else None)
    assert requires.browser() == "/opt/chromium-browser"


def test_skips_are_told_by_reason_at_the_very_end(pytester: pytest.Pytester) -> None:
    root = Path(plugin.__file__).parent.parent
    pytester.makeconftest(f"import sys; sys.path.insert(0, {str(root)!r})\nfrom tests.plugin import pytest_terminal_summary")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", [1, 2])
        def test_browser(n):
            pytest.skip("no browser")

        @pytest.mark.skip(reason="no data")
        def test_data(): ...

        def test_that_runs(): ...
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:django", "-p", "no:cacheprovider", "-ra")
    result.assert_outcomes(passed=1, skipped=3)
    assert [line for line in result.outlines if line][-4:-1] == ["3 tests skipped:", "  2: no browser", "  1: no data"]
