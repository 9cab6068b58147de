#!/usr/bin/env python3
"""Write `vscode-denoising.gif` and `vscode-fill.png`: `python animate.py FRAMES IMAGES`, called by picture.mjs.

FRAMES is a folder of numbered PNG files with their `durations.json`, in milliseconds, and `still.png`. Needs Pillow.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image

SHORTEST_MS = 20
"""Viewers take shorter frames for a mistake and show them for 100 ms."""
COLOURS = 64


def main(frames: Path, images: Path) -> None:
    """Frames that are too short to be seen are joined to the next one."""
    pictures, durations, before = [], [], 0
    files = sorted(frames.glob("[0-9]*.png"))
    for file, lasts in zip(files, json.loads((frames / "durations.json").read_text()), strict=True):
        before += lasts
        if before < SHORTEST_MS:
            continue
        pictures.append(Image.open(file).convert("RGB"))
        durations.append(before)
        before = 0
    # One palette, of the frame with the most on it, so that nothing that stands still changes its colour.
    palette = Image.open(frames / "still.png").convert("RGB").quantize(COLOURS)
    first, *rest = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    first.save(
        images / "vscode-denoising.gif", save_all=True, append_images=rest, duration=durations, loop=0, optimize=True
    )
    Image.open(frames / "still.png").convert("RGB").quantize(COLOURS).save(images / "vscode-fill.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
