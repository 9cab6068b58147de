"""A model folder opened as users open it."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.backend import Context
from model.backends.builtin.backend import CONTEXTS
from model.backends.builtin.load import load
from model.backends.builtin.runtime.compiled import threads_here
from model.backends.builtin.runtime.state import Store
from model.canvas import Canvas
from model.errors import UnknownModel
from model.filler import open_filler
from tests.model.lab.train.adapt import toys

ROOT = Path(__file__).parents[4]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return toys.model_folder(tmp_path / "model")


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"FOLDER = {str(folder)!r}\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_fill_imports_no_torch(folder: Path) -> None:
    code = (
        "import sys\nfrom model.filler import open_filler\nfrom model.types import FillRequest, Hole, Template\n"
        "template = Template(pieces=('def f(x):\\n', '\\n'), holes=(Hole(max_lines=1),))\n"
        "assert open_filler(FOLDER).fill(FillRequest(template=template)).candidates\n"
        "print(*(n for n in ('torch', 'transformers') if n in sys.modules))"
    )
    done = python(code, folder)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_python_may_end_in_the_middle_of_a_pass(folder: Path) -> None:
    """As when an editor goes while its server fills: what a thread computes with must not be taken from under it."""
    code = """
import threading
from pathlib import Path
import numpy as np
from model.backends.builtin.load import load
from model.canvas import Canvas
from model.backend import Context
backend, _ = load(Path(FOLDER))
context = Context(pieces=(np.arange(20, 220), np.arange(20, 120)), starts_with=(b"",))
begun = threading.Event()
def work():
    number = 0
    while True:
        number += 1
        texts = [[np.roll(np.arange(200), row + number)] for row in range(4)]
        backend.prefill(context).score(Canvas.decided(texts, mask_id=backend.spec.mask_id))
        begun.set()
threading.Thread(target=work, daemon=True).start()
begun.wait()
"""
    for _ in range(3):  # a crash is a matter of luck: it needs the pass to be at the wrong place
        done = python(code, folder)
        assert (done.returncode, done.stderr) == (0, "")


def test_however_many_requests_there_are_what_is_kept_of_them_stays_the_same_size(folder: Path) -> None:
    backend, _ = load(folder)

    def request(number: int) -> None:
        rng = np.random.default_rng(number)
        pieces = tuple(rng.integers(0, 256, int(rng.integers(1, 100))) for _ in range(2))
        cached = backend.prefill(Context(pieces=pieces, starts_with=(b"",)))
        draft = [rng.integers(0, 256, 5 + number % 7)]
        cached.score(Canvas.decided([draft], mask_id=backend.spec.mask_id))

    def held() -> tuple[int, int]:
        """(all objects, stores of keys and values) that are alive."""
        gc.collect()
        alive = gc.get_objects()
        return len(alive), sum(type(thing) is Store for thing in alive)

    before = held()[1]
    counts = []
    for number in range(24):
        request(number)
        if number >= 8 and number % 4 == 0:
            counts.append(held())
    assert {stores - before for _, stores in counts} == {2 * CONTEXTS}, "a context and its scratch slots each"
    assert counts[-1][0] - counts[0][0] < 50, "objects"


DAMAGE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "no tokenizer": ("tokenizer.json", Path.unlink, "no tokenizer"),
    "no weights": ("weights-01-of-01.safetensors", Path.unlink, "no weights"),
    "cut weights": ("weights-01-of-01.safetensors", lambda p: p.write_bytes(p.read_bytes()[:100]), "cannot read"),
    "no special tokens": ("config.json", lambda p: p.write_text(p.read_text().replace("fim_", "fi_")), "cannot fill"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_missing_and_damaged_files_are_named_with_their_remedy(folder: Path, damage: str) -> None:
    name, harm, message = DAMAGE[damage]
    harm(folder / name)
    with pytest.raises(UnknownModel, match=message) as raised:
        open_filler(str(folder))
    assert "\n" not in str(raised.value)
    assert "reinstall" in str(raised.value)


def test_threads_are_few_or_as_many_as_somebody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert 1 <= threads_here() <= 2
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads_here() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert 1 <= threads_here() <= 2
