"""The compiled kernel: where its library is, and which instruction sets there are. Imports next to nothing."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
LIBRARY = HERE / ("kernel" + {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so"))
"""Made by `build.py`."""
CHOICE = "DLM_FILL_KERNEL"
"""Environment variable: "numpy", or the instruction set that may be used at most."""
CHOICES = ("", "numpy", "base", "dotprod", "avx2", "avxvnni", "avx512vnni")
