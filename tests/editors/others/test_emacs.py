"""The snippets of docs/editors/emacs.md in a real Emacs, against the real server with known fills."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.editors.neovim.neovim import ROOT, scripted

SOURCE = """\
def area(width, height):
    size = ___
    return size


def last(order):
"""
EGLOT = sorted(Path("/usr/share/emacs/site-lisp/elpa-src").glob("eglot-*/eglot.el"))
LSP_MODE = sorted(Path("/usr/share/emacs/site-lisp/elpa-src").glob("lsp-mode-*/lsp-mode.el"))


def emacs(script: str, path: Path, *, load: list[str]) -> dict[str, str]:
    """What the script said of each thing that it tried."""
    path.write_text(SOURCE)
    here = Path(__file__).parent / script
    command = ["emacs", "-q", "--batch", *load, "-l", str(here), str(path), *scripted(texts=["der.total(width)"])]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    return dict(re.findall(r"^(\w+): (.*?)(?=^\w+: |\Z)", done.stdout, re.DOTALL | re.MULTILINE))


@pytest.mark.skipif(not (shutil.which("emacs") and EGLOT), reason="Debian's emacs-nox and elpa-eglot are not installed")
def test_eglot_completes_fills_by_action_and_by_command(tmp_path: Path) -> None:
    said = emacs("eglot.el", tmp_path / "shop.py", load=["-l", str(EGLOT[-1])])
    assert "Fill the placeholder" in said["actions"]
    assert said["action"].strip() == f'"{SOURCE.replace("___", "der.total(width)")}"'
    assert "der.total(width)" in said["completion"]
    assert (
        "    der.total(width)\n\n\ndef last" in said["command"] or "der.total(width)" in said["command"].split("\n")[2]
    )


@pytest.mark.skipif(
    not (shutil.which("emacs") and LSP_MODE), reason="Debian's emacs-nox and elpa-lsp-mode are not installed"
)
def test_lsp_mode_completes_and_fills_by_action(tmp_path: Path) -> None:
    said = emacs("lsp-mode.el", tmp_path / "shop.py", load=[])
    assert "Fill the placeholder" in said["actions"]
    assert said["action"].strip() == f'"{SOURCE.replace("___", "der.total(width)")}"'
    assert "der.total(width)" in said["completion"]
