"""The shipped file that the built-in model is tried on."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "fixtures" / "demo" / "inventory.py"
DEMO_LINE = next(n for n, line in enumerate(DEMO.read_text().split("\n"), start=1) if line.strip() == "...")
