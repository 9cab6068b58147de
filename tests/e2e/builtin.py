"""The built-in model, where it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILTIN = ROOT / "model" / "builtin"
DEMO = ROOT / "fixtures" / "demo" / "inventory.py"
DEMO_LINE = next(n for n, line in enumerate(DEMO.read_text().split("\n"), start=1) if line.strip() == "...")

needs_model = pytest.mark.skipif(not list(BUILTIN.glob("*.safetensors")), reason="model/builtin has no weights yet")
