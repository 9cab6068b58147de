"""The document store against a slow and simple model of what LSP says about edits."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.code.syntax.parse import covers
from lsp_server.code.text.positions import Encoding
from lsp_server.documents.store import DocumentChange, Documents
from lsp_server.errors import InputError
from lsp_server.types import Region
from lsp_server.workspace.uris import path_of
from tests.lsp_server.editor import large_file

URI = "file:///nowhere/example.py"
_LINE_END = re.compile(r"\r\n|\n|\r")
_UNIT_BYTES = {"utf-8": 1, "utf-16-le": 2, "utf-32-le": 4}


def opened(text: str, encoding: Encoding = "utf-16", language_id: str = "python") -> Documents:
    documents = Documents(encoding=encoding)
    documents.open(URI, text, language_id=language_id, version=1)
    return documents


def model_offset(text: str, line: int, column: int, encoding: str) -> int:
    """The index into `text` of a position: by the specification, in the simplest way."""
    starts = [0, *(m.end() for m in _LINE_END.finditer(text))]
    ends = [*(m.start() for m in _LINE_END.finditer(text)), len(text)]
    if line >= len(starts):
        return len(text)
    at, units = starts[line], 0
    codec = encoding if encoding == "utf-8" else f"{encoding}-le"
    while at < ends[line]:
        units += len(text[at].encode(codec)) // _UNIT_BYTES[codec]
        if units > column:
            break
        at += 1
    return at


def model_change(text: str, change: DocumentChange, encoding: str) -> str:
    if change.span is None:
        return change.text
    start, end = sorted(model_offset(text, *position, encoding) for position in change.span)
    return text[:start] + change.text + text[end:]


# Everything that counts as a line end somewhere, wide and astral characters, and Python to be parsed.
texts = st.text(
    alphabet=st.sampled_from(list("ab(:) \t\n\n\r\x0b\x0c\x1c\x85\u2028\u2029éß漢😀𝒳\u0301\u200d\ufeff\0")), max_size=40
) | st.lists(
    st.sampled_from(["def f(x):\r\n", "    return x\n", "\x0c", "😀 = '漢'\r\n", "(\n", ")", "#\u2028\n"]), max_size=8
).map("".join)
positions = st.tuples(st.integers(0, 12), st.integers(0, 14))
changes = st.builds(
    DocumentChange, text=texts, span=st.none() | st.tuples(positions, positions) | st.tuples(positions, positions)
)


@given(
    text=texts,
    batches=st.lists(st.lists(changes, max_size=3), max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-32"]),
)
@settings(max_examples=300, deadline=None)
def test_edits_equal_the_model_and_the_tree_equals_a_fresh_parse(
    text: str, batches: list[list[DocumentChange]], encoding: Encoding
) -> None:
    documents = opened(text, encoding)
    for version, batch in enumerate(batches, start=2):
        for change in batch:
            text = model_change(text, change, encoding)
        snapshot = documents.change(URI, batch, version=version)
        assert snapshot.source.decode("utf-8") == text
        assert snapshot.version == version
        fresh = opened(text).snapshot(URI)
        assert snapshot.tree is not None
        assert fresh.tree is not None
        assert shape(snapshot.tree.root_node) == shape(fresh.tree.root_node)


def shape(node: object) -> list[tuple[str, int, int, bool]]:
    """Kinds and byte ranges of all nodes, in order."""
    found, waiting = [], [node]
    while waiting:
        n = waiting.pop()
        found.append((n.type, n.start_byte, n.end_byte, n.is_missing))  # type: ignore[attr-defined]
        waiting.extend(n.children)  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_only_lsp_line_ends_end_lines(separator: str) -> None:
    documents = opened(f"a = 1{separator}\nb = 2\n")
    documents.change(URI, [DocumentChange(text="3", span=((1, 4), (1, 5)))], version=2)
    assert documents.snapshot(URI).source.decode() == f"a = 1{separator}\nb = 3\n"


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 5), ("utf-16", 3), ("utf-32", 2)])
def test_columns_count_in_the_negotiated_encoding(encoding: Encoding, column: int) -> None:
    documents = opened("#😀x\n", encoding)
    documents.change(URI, [DocumentChange(text="y", span=((0, column), (0, column + 1)))], version=2)
    assert documents.snapshot(URI).source.decode() == "#😀y\n"


def test_changes_of_one_batch_each_see_the_one_before() -> None:
    documents = opened("")
    documents.change(
        URI,
        [
            DocumentChange(text="ab\n"),
            DocumentChange(text="X", span=((0, 1), (0, 1))),
            DocumentChange(text="", span=((0, 0), (0, 1))),
        ],
        version=2,
    )
    assert documents.snapshot(URI).source == b"Xb\n"


def test_other_documents_come_last_edited_first() -> None:
    documents = Documents()
    for name in "abc":
        documents.open(f"file:///{name}.py", name, language_id=None, version=1)
    documents.change("file:///a.py", [DocumentChange(text="A")], version=2)
    assert [other.source for other in documents.others("file:///b.py")] == [b"A", b"c"]
    documents.open("file:///c.py", "C", language_id=None, version=1)
    assert [other.source for other in documents.others("file:///b.py")] == [b"C", b"A"]
    documents.close("file:///a.py")
    assert [other.source for other in documents.others("untitled:new")] == [b"C", b"b"]


def test_a_snapshot_stays_what_it_was() -> None:
    documents = opened("def f():\n    return 1\n")
    before = documents.snapshot(URI)
    assert before.tree is not None
    shape_before = shape(before.tree.root_node)
    documents.change(URI, [DocumentChange(text="if x:\n    pass\n", span=((0, 0), (1, 4)))], version=2)
    assert before.source == b"def f():\n    return 1\n"
    assert shape(before.tree.root_node) == shape_before
    assert not documents.is_current(before)
    assert documents.is_current(documents.snapshot(URI))
    with pytest.raises(FrozenInstanceError):
        before.version = 3  # type: ignore[misc]


def test_a_snapshot_with_other_text_leaves_the_document_alone() -> None:
    documents = opened("a = 1\n")
    now = documents.snapshot(URI)
    changed = documents.with_text(now, Region(4, 5), "(2)")
    assert changed.source == b"a = (2)\n"
    assert changed.tree is not None
    assert changed.tree.root_node.end_byte == len(changed.source)
    assert documents.snapshot(URI) is now


def test_a_request_far_from_the_last_keystroke_gets_a_tree_of_its_place() -> None:
    documents = opened(large_file(), language_id="javascript")
    now = documents.change(URI, [DocumentChange(text="1", span=((1, 0), (1, 0)))], version=2)
    far = now.source.index(b"step250(")
    assert now.tree is not None
    assert not covers(now.tree, Region(far, far))
    there = documents.covering(now, Region(far, far))
    assert there.tree is not None
    assert covers(there.tree, Region(far, far))
    assert (there.source, there.version) == (now.source, now.version)
    node = there.tree.root_node.descendant_for_byte_range(far, far + 3)
    while node is not None and node.type != "function_declaration":
        node = node.parent
    assert node is not None
    assert now.source[node.start_byte :].startswith(b"function far(")
    assert documents.is_current(now)
    assert documents.snapshot(URI) is now
    assert documents.covering(now, Region(0, 1)) is now, "near the keystroke nothing is parsed again"


def test_equal_text_of_a_newer_version_is_not_current() -> None:
    documents = opened("a\n")
    before = documents.snapshot(URI)
    documents.change(URI, [DocumentChange(text="a\n")], version=2)
    assert not documents.is_current(before)


def test_half_a_surrogate_pair_keeps_later_columns_in_place() -> None:
    documents = opened("\ud83dab\n")
    documents.change(URI, [DocumentChange(text="X", span=((0, 1), (0, 2)))], version=2)
    assert documents.snapshot(URI).source == b"?Xb\n"


def test_changing_what_is_not_open_names_the_remedy() -> None:
    with pytest.raises(InputError, match="is not open: send textDocument/didOpen"):
        Documents().change(URI, [DocumentChange(text="x")], version=2)


def test_files_are_read_from_workspace_folders_only(tmp_path: Path) -> None:
    inside, outside = tmp_path / "work", tmp_path / "other"
    inside.mkdir()
    outside.mkdir()
    (inside / "a b.py").write_bytes(b"x = 1\r\n")
    (outside / "secret.py").write_bytes(b"key = 1\n")
    (inside / "link.py").symlink_to(outside / "secret.py")
    documents = Documents(folders=[inside])
    snapshot = documents.snapshot((inside / "a b.py").as_uri())
    assert (snapshot.source, snapshot.version) == (b"x = 1\r\n", None)
    assert documents.is_current(snapshot)
    (inside / "a b.py").write_bytes(b"x = 2\r\n")
    assert not documents.is_current(snapshot)
    for uri in (
        (outside / "secret.py").as_uri(),
        (inside / "link.py").as_uri(),
        f"{inside.as_uri()}/../other/secret.py",
        f"{inside.as_uri()}/%2e%2e/other/secret.py",
        "untitled:Untitled-1",
        "http://[broken",
        "file:///a%00b",
    ):
        with pytest.raises(InputError, match="open it in the editor first"):
            documents.snapshot(uri)


def test_unreadable_files_name_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"\xe9 = 1\n")
    documents = Documents(folders=[tmp_path])
    with pytest.raises(InputError, match="not UTF-8 text: convert it first"):
        documents.snapshot((tmp_path / "latin.py").as_uri())
    with pytest.raises(InputError, match=r"cannot read .*\(No such file or directory\): check the path"):
        documents.snapshot((tmp_path / "none.py").as_uri())
    with pytest.raises(InputError, match=r"cannot read .*\(Is a directory\)"):
        documents.snapshot(tmp_path.as_uri())


def test_path_of_decodes_what_uris_escape() -> None:
    assert path_of("file:///a%20b/%C3%A9.py") == Path("/a b/é.py")
    assert path_of("untitled:x") is None
