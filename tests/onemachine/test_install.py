"""The installer, with requirement files that ask for nothing: no test reaches the network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from energyopti.onemachine import home as homes
from energyopti.onemachine import install

SCRIPT = homes.BASE_DIR / "energyopti" / "onemachine" / "install.py"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    folder = tmp_path_factory.mktemp("install")
    (folder / "base.txt").write_text("# nothing\n")
    (folder / "dev.txt").write_text("-r base.txt\n")
    return folder / "venv", folder / "dev.txt", run(folder / "venv", folder / "dev.txt")


def run(environment: Path, file: Path) -> str:
    command = [sys.executable, "-I", str(SCRIPT), str(environment), str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_first_run_makes_the_environment_and_says_so(installed: tuple[Path, Path, str]) -> None:
    environment, _, said = installed
    assert said.splitlines() == [
        f"Making {environment} with Python {sys.version.split()[0]}.",
        "Installing dev.txt; the first time takes a minute or two.",
    ]
    assert (environment / "bin" / "python").exists()


def test_second_run_does_nothing_and_a_changed_include_installs_again(installed: tuple[Path, Path, str]) -> None:
    environment, file, _ = installed
    assert run(environment, file) == ""
    (file.parent / "base.txt").write_text("# something else\n")
    assert run(environment, file) == "Installing dev.txt; the first time takes a minute or two.\n"


def test_failed_install_is_one_sentence_and_is_tried_again(installed: tuple[Path, Path, str], tmp_path: Path) -> None:
    file = tmp_path / "broken.txt"
    file.write_text("-r nowhere.txt\n")
    (tmp_path / "nowhere.txt").write_text("energyopti-of-nowhere @ file:///nowhere/at.all\n")
    done = subprocess.run([sys.executable, "-I", str(SCRIPT), str(installed[0]), str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("EnergyOpti cannot be installed: pip could not install (ERROR: ")
    assert done.stderr.count("\n") == 1
    assert not (installed[0] / ".installed-broken.txt").exists()


def test_old_python_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install.sys, "version_info", (3, 10, 1))
    with pytest.raises(install.Failed, match=r"install Python 3\.11 or later"):
        install.install(tmp_path / "venv", [tmp_path / "none.txt"])
