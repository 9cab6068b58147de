"""The compiled kernel: where its library is, and whether it is wanted. Imports next to nothing: asked before NumPy is there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
LIBRARY = HERE / ("kernel" + {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so"))
"""Made by `build.py`."""
CHOICE = "DLM_FILL_KERNEL"
"""Environment variable: "numpy", or the instruction set that may be used at most."""
CHOICES = ("", "numpy", "base", "avx2", "avx512", "avx512bf16")


def will_be_numpy() -> bool:
    """Whether passes will run in NumPy: nobody wants the library, or there is none that was made from these sources."""
    from model.runtime.native.sources import fingerprint

    if os.environ.get(CHOICE) == "numpy" or not LIBRARY.exists():
        return True
    return fingerprint().encode() not in LIBRARY.read_bytes()
