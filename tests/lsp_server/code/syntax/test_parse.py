from __future__ import annotations

import inspect
import random
import textwrap as standard_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.code.languages.table import PLAIN, by_name
from lsp_server.code.syntax.nodes import children_before, children_from
from lsp_server.code.syntax.parse import Syntax, covers, edited, has_error_in, parse, verdict
from lsp_server.types import Edit, Region, Snapshot

PYTHON = by_name("python")
REAL = Path(inspect.getfile(standard_module)).read_bytes()


def snapshot(source: bytes, name: str = "python") -> Snapshot:
    language = by_name(name)
    return Snapshot(uri="", version=None, source=source, language=language, tree=parse(source, language))


def edit(source: bytes, old: bytes, new: str) -> Edit:
    start = source.index(old)
    return Edit(region=Region(start, start + len(old)), new_text=new, version=None)


@pytest.mark.parametrize("seed", range(10))
def test_an_incremental_parse_equals_a_fresh_one(seed: int) -> None:
    choice = random.Random(seed)
    source = REAL
    tree = parse(source, PYTHON)
    for _ in range(20):
        start = choice.randrange(len(source))
        end = min(start + choice.choice([0, 0, 1, 3, 40]), len(source))
        text = choice.choice([b"x", b"\n", b"    ", b"(", b"def f():\n", b"", b'"""', "é".encode()])
        new = source[:start] + text + source[end:]
        assert tree is not None
        tree = parse(new, PYTHON, old_tree=edited(tree, source, new, Region(start, end), start + len(text)))
        source = new
        fresh = parse(source, PYTHON)
        assert tree is not None
        assert fresh is not None
        assert str(tree.root_node) == str(fresh.root_node)
        assert tree.root_node.end_point == fresh.root_node.end_point


def large_source() -> bytes:
    return b"".join(REAL.replace(b"TextWrapper", b"Wrapper%d" % n) for n in range(60))


def test_typing_in_a_large_file_parses_the_surroundings_as_a_whole_parse_does() -> None:
    source = large_source()
    syntax = Syntax.of(source, PYTHON)
    assert syntax.tree is not None
    assert syntax.tree.root_node.child_count > 400
    choice = random.Random(1)
    for _ in range(12):
        at = source.index(b"\n", choice.randrange(len(source) - 100))
        for text in (b"\n    y = 1", b"\n", b"z"):
            new = source[:at] + text + source[at:]
            syntax = syntax.after(source, new, Region(at, at), at + len(text))
            source, at = new, at + len(text)
        assert syntax.tree is not None
        assert sum(r.end_byte - r.start_byte for r in syntax.tree.included_ranges) < len(source) / 4
        whole = parse(source, PYTHON)
        assert whole is not None
        here = syntax.tree.root_node.descendant_for_byte_range(at - 1, at - 1)
        there = whole.root_node.descendant_for_byte_range(at - 1, at - 1)
        assert here is not None
        assert there is not None
        if not whole.root_node.has_error:
            while there.parent is not None and here.parent is not None:
                same = (there.type, there.start_byte, there.end_byte, there.start_point)
                assert (here.type, here.start_byte, here.end_byte, here.start_point) == same
                here, there = here.parent, there.parent


def test_typing_in_a_small_file_keeps_one_whole_tree() -> None:
    syntax = Syntax.of(b"x = 1\n", PYTHON).after(b"x = 1\n", b"x = 12\n", Region(5, 5), 6)
    assert syntax.tree is syntax.full
    assert syntax.tree is not None
    assert syntax.tree.root_node.end_byte == 7


def test_a_language_without_grammar_stays_without_tree() -> None:
    syntax = Syntax.of(b"a", PLAIN)
    assert syntax.tree is None
    assert syntax.after(b"a", b"ab", Region(1, 1), 2).tree is None


@pytest.mark.parametrize("source", [REAL, b"", b"x", b"def f(:\n  (\n"], ids=["real", "empty", "x", "broken"])
def test_children_near_an_offset_are_those_of_the_full_list(source: bytes) -> None:
    tree = parse(source, PYTHON)
    assert tree is not None
    pending = [tree.root_node]
    while pending:
        node = pending.pop()
        pending += node.children
        for offset in (node.start_byte, (node.start_byte + node.end_byte) // 2, node.end_byte, len(source)):
            after = [child.id for child in node.children if child.end_byte > offset]
            before = [child.id for child in reversed(node.children) if child.end_byte <= offset]
            assert [child.id for child in children_from(node, offset)] == after
            assert [child.id for child in children_before(node, offset)] == before


def test_errors_are_found_where_they_are() -> None:
    source = b"a = 1\nb = (2\n\ndef f():\n    return 1\n"
    tree = parse(b"a = 1\nb = = 2\nc = 3\n", PYTHON)
    assert tree is not None
    assert has_error_in(tree, Region(6, 13))
    assert not has_error_in(tree, Region(0, 5))
    assert not has_error_in(tree, Region(16, 19))
    missing = parse(b"f(\n", by_name("javascript"))
    assert missing is not None
    assert has_error_in(missing, Region(0, len(source)))


def test_a_sound_fill_parses_and_a_broken_one_does_not() -> None:
    source = b"def f(x):\n    return x\n\n\nprint(f(1))\n"
    before = snapshot(source)
    assert verdict(before, [edit(source, b"return x", "return (x + 1)")]).parses is True
    assert verdict(before, [edit(source, b"return x", "return (x + 1")]).parses is False
    assert verdict(before, [edit(source, b"return x", "return (x + 1))")]).parses is False


def test_several_edits_are_judged_together() -> None:
    source = b"a = 1\nb = 2\n"
    before = snapshot(source)
    assert verdict(before, [edit(source, b"1", "(1,"), edit(source, b"b = 2", "2)")]).parses is True
    assert verdict(before, [edit(source, b"1", "(1,")]).parses is False


def test_an_error_elsewhere_is_not_held_against_the_fill() -> None:
    source = b"def f(x):\n    return x\n\n\ndef g(:\n    pass\n\n\ndef h(x):\n    return x\n"
    before = snapshot(source)
    assert verdict(before, [edit(source, b"return x", "return x + 1")]).parses is True
    assert verdict(before, [edit(source, b"return x", "return (x")]).parses is False
    assert verdict(before, [edit(source, b"return x", "return x))")]).parses is False


def test_a_gap_that_was_the_error_counts_when_it_is_still_broken() -> None:
    source = b"x = \ny = 2\n"
    before = snapshot(source)
    start = 4
    good = Edit(region=Region(start, start), new_text="1", version=None)
    bad = Edit(region=Region(start, start), new_text="(1", version=None)
    assert verdict(before, [good]).parses is True
    assert verdict(before, [bad]).parses is False


def test_without_grammar_nothing_can_be_told() -> None:
    before = Snapshot(uri="", version=None, source=b"a", language=PLAIN, tree=None)
    assert verdict(before, [Edit(region=Region(0, 1), new_text="((", version=None)]).parses is None


def test_a_fill_in_a_large_file_is_judged_by_its_surroundings() -> None:
    source = large_source()
    before = snapshot(source)
    middle = source.index(b"return text", len(source) // 2)
    region = Region(middle, middle + len(b"return text"))
    assert verdict(before, [Edit(region=region, new_text="return (text)", version=None)]).parses is True
    assert verdict(before, [Edit(region=region, new_text="return (text", version=None)]).parses is False


def test_a_closer_too_many_is_an_error_even_where_the_grammar_is_lenient() -> None:
    source = b"module M\n  def f\n    if x\n      y\n    end\n  end\nend\n"
    before = snapshot(source, "ruby")
    assert verdict(before, [edit(source, b"y", "y.each do |z|\n        z\n      end")]).parses is True
    assert verdict(before, [edit(source, b"y", "y\n    end")]).parses is False


def test_a_request_far_from_the_last_keystroke_gets_a_tree_of_its_place() -> None:
    source = large_source()
    at = source.index(b"\n", len(source) // 4)
    new = source[:at] + b" " + source[at:]
    syntax = Syntax.of(source, PYTHON).after(source, new, Region(at, at), at + 1)
    far = new.index(b"return text", len(new) * 3 // 4)
    region = Region(far, far + 11)
    assert syntax.tree is not None
    assert not covers(syntax.tree, region)
    before = Snapshot(uri="", version=None, source=new, language=PYTHON, tree=syntax.tree)
    assert verdict(before, [Edit(region=region, new_text="(", version=None)]).parses is None
    there = syntax.covering(new, region)
    assert there.tree is not None
    assert covers(there.tree, region)
    assert there.full is syntax.full
    assert there.covering(new, region) is there
    node = there.tree.root_node.descendant_for_byte_range(far, far + 11)
    assert node is not None
    assert node.type == "return_statement"
    before = Snapshot(uri="", version=None, source=new, language=PYTHON, tree=there.tree)
    assert verdict(before, [Edit(region=region, new_text="(", version=None)]).parses is False


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, 8), st.sampled_from(["\r", "\n", "\r\n", "x", ""])), max_size=8
    )
)
def test_a_return_alone_ends_a_line_for_the_grammar_too(steps: list[tuple[int, int, str]]) -> None:
    source = b"import os\rdef f(x):\r    if x:\r\n        return 1\r    return 2\r"
    syntax = Syntax.of(source, by_name("python"))
    assert syntax.tree is not None
    assert not syntax.tree.root_node.has_error
    for place, length, text in steps:
        edit = Region(min(place, len(source)), min(place + length, len(source)))
        new = source[: edit.start] + text.encode() + source[edit.end :]
        syntax = syntax.after(source, new, edit, edit.start + len(text))
        source = new
        whole = Syntax.of(source, by_name("python")).tree
        assert syntax.tree is not None
        assert whole is not None
        assert str(syntax.tree.root_node) == str(whole.root_node)
