"""All filters together: what models add to a right text goes, a right text stays."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

import pytest

from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.edits import apply, edit_of
from lsp_server.code.text.positions import LineIndex
from lsp_server.postprocess.tidy import tidied
from lsp_server.types import Gap, Region, Snapshot
from model.types import Hole
from tests.lsp_server.marked import marked

FUNCTION = "def f(names):\n    total = 0\n    for name in names:\n‸\n    print(total)\n    return total\n"

TRIMMED = {
    "the rest of the line": ("python", "value = ‸, default=None)\n", "get(key, default=None)", "get(key"),
    "a closer that follows": ("python", "print(‸)\n", "total, end='')", "total, end=''"),
    "two closers that follow": ("python", "print(str(‸))\n", "total))", "total"),
    "a quote that follows": ("python", 'open("‸")\n', 'file.txt")', "file.txt"),
    "a closing brace that follows": (
        "javascript",
        "function f(x) {\n  if (x) {\n    ‸\n  }\n}\n",
        "return x;\n  }\n}",
        "return x;",
    ),
    "end that follows": ("ruby", "def f\n  if x\n    ‸\n  end\nend\n", "puts x\n  end\nend", "puts x"),
    "a closer without grammar": ("plain", "print(‸)\n", "total)", "total"),
    "the next line": ("python", FUNCTION, "        total += len(name)\n    print(total)", "        total += len(name)"),
    "the next lines": (
        "python",
        FUNCTION,
        "        total += len(name)\n    print(total)\n    return total",
        "        total += len(name)",
    ),
    "the next line said alone": ("python", FUNCTION, "    print(total)", ""),
    "the line above": (
        "python",
        "def f(names):\n    count = len(names)\n‸\n    return count\n",
        "    count = len(names)\n    count += 1",
        "    count += 1",
    ),
    "only the line above": (
        "python",
        "def f(names):\n    count = len(names)\n‸\n    return count\n",
        "    count = len(names)",
        "",
    ),
    "the line above behind an indentation": (
        "python",
        "def f(names):\n    count = len(names)\n    ‸\n    return count\n",
        "count = len(names)\n    count += 1",
        "count += 1",
    ),
    "runaway repetition": ("python", "def f():\n‸\n", "    call_it()\n" * 7 + "    call_it()", "    call_it()"),
    "runaway repetition of two lines": (
        "python",
        "def f():\n‸\n",
        "    call_it()\n    call_that()\n" * 6,
        "    call_it()\n    call_that()",
    ),
    "a trailing newline": ("python", "x = 1\n‸\nz = 3\n", "y = 2\n", "y = 2"),
    "several trailing newlines and blanks": ("python", "x = 1\n‸\nz = 3\n", "y = 2\n\n    \n", "y = 2"),
    "trailing newlines at the end of the file": ("python", "x = 1\n‸", "y = 2\n\n\n", "y = 2\n"),
    "a doubled indentation": ("python", "def f():\n    x = 1\n    ‸\n", "    return x", "return x"),
    "line ends of Windows": ("python", "x = 1\n‸\nz = 3\n", "y = 2\r\n", "y = 2"),
}


@pytest.mark.parametrize("case", TRIMMED, ids=str)
def test_what_stands_there_already_is_trimmed(case: str) -> None:
    name, text, fill, expected = TRIMMED[case]
    assert tidied(*marked(text, name), fill)[0] == expected


KEPT = {
    "a needed closer": ("python", "print(‸\n", "total)"),
    "closers for what stands before": ("python", "print(str(‸ + 1)\n", "total)"),
    "a closer of its own": ("python", "print(‸)\n", "f(1)"),
    "a needed brace": ("javascript", "function f(x) {\n  if (x) {\n    ‸\n}\n", "return x;\n  }"),
    "a block that ends like what follows": (
        "javascript",
        "function f(x) {\n  ‸\n}\n",
        "if (x) {\n    g();\n  }",
    ),
    "a bare keyword like the one below": ("python", "if a:\n‸\nelse:\n    pass\n", "    pass"),
    "rows of a table": ("python", "T = [\n    [0, one, 0],\n    [0, one, 0],\n‸\n]\n", "    [0, one, 0],"),
    "what stood in the gap": ("python", "call_it()\n«call_it()\n»\nend()\n", "call_it()\n"),
    "blank lines that stood in the gap": ("python", "«a = 1\n\n»\n\nb = 2\n", "a = 2\n\n"),
    "a deeper line behind a shorter indentation": ("python", "def f():\n    if x:\n    ‸\n", "    return x"),
    "three equal lines": ("python", "def f():\n‸\n", "    call_it()\n    call_it()\n    call_it()"),
    "a short end that comes again": ("python", "x = ‸ * a\n", "b * a"),
    "a fill of a file that is broken elsewhere": ("python", "def g(:\n\n\nprint(‸)\n", "f(1)"),
}


@pytest.mark.parametrize("case", KEPT, ids=str)
def test_a_right_text_is_left_alone(case: str) -> None:
    name, text, fill = KEPT[case]
    assert tidied(*marked(text, name), fill)[0] == fill


def test_no_more_lines_than_the_hole_may_have() -> None:
    assert tidied(*marked("x = ‸\n", max_lines=1), "1\ny = 2\n")[0] == "1"
    assert tidied(*marked("a\n‸\nb\n", "plain", max_lines=2), "one\ntwo\nthree")[0] == "one\ntwo"


def test_a_newline_that_the_gap_brings_along_is_not_doubled() -> None:
    snapshot, gap = marked("x = 1\n‸z = 3\n", after="\n")
    assert tidied(snapshot, gap, "y = 2\n")[0] == "y = 2"
    assert apply(snapshot.source, [edit_of(snapshot, gap, "y = 2")]) == b"x = 1\ny = 2\nz = 3\n"


def real_gaps(seed: int, count: int) -> list[tuple[Snapshot, Gap, str]]:
    """Gaps in the standard library whose text was taken out, and that text: no blank line at its end."""
    choice = random.Random(seed)
    files = [f for f in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")) if 500 < f.stat().st_size < 40_000]
    language = by_name("python")
    found: list[tuple[Snapshot, Gap, str]] = []
    while len(found) < count:
        source = choice.choice(files).read_bytes().replace(b"\r\n", b"\n")
        index = LineIndex(source)
        first = choice.randrange(index.line_count)
        last = min(first + choice.choice([0, 0, 0, 1, 2, 4, 9]), index.line_count - 1)
        start, end = index.line_start(first), index.line_region(last).end
        line = source[start : index.line_region(first).end].decode()
        if choice.random() < 0.5 and line.strip():
            # Within the line, from a place in its text: to its end, or to a place before that.
            place = choice.randrange(len(line) - len(line.lstrip()), len(line))
            stop = choice.choice([len(line), choice.randrange(place, len(line)) + 1])
            end = start + len(line[:stop].encode())
            start += len(line[:place].encode())
        text = source[start:end].decode()
        if text.strip() and text.rpartition("\n")[2].strip():
            without = source[:start] + source[end:]
            snapshot = Snapshot(uri="", version=None, source=without, language=language, tree=parse(without, language))
            found.append((snapshot, Gap(region=Region(start, start), hole=Hole()), text))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_text_that_was_there_survives(seed: int) -> None:
    for snapshot, gap, text in real_gaps(seed, 80):
        assert tidied(snapshot, gap, text)[0] == text


def test_the_text_that_was_there_comes_out_of_it_said_with_more() -> None:
    """What models add to a right text goes: the next two lines, or a newline too many."""
    mended = asked = 0
    for snapshot, gap, text in real_gaps(9, 120):
        behind = snapshot.source[gap.region.end :].decode()
        if not behind.startswith("\n") or "\n" in text[:1]:
            continue
        following = behind.split("\n")[1:3]
        asked += 1
        mended += tidied(snapshot, gap, "\n".join([text, *following]) + "\n")[0].rstrip() == text.rstrip()
    assert asked > 60
    assert mended / asked > 0.7
