"""Whatever text, cursor and language: a refactoring is made, or refused with a reason, and never breaks what was sound."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.transforms.convert.conversions import CONVERSIONS
from lsp_server.transforms.refactoring import Refactoring, Refused
from lsp_server.transforms.writing.annotate import Annotate
from lsp_server.transforms.writing.document import Document
from lsp_server.transforms.writing.implement import Implement
from lsp_server.transforms.writing.repair import Repair
from lsp_server.types import Region, Snapshot
from tests.lsp_server.transforms.golden import ROOT
from tests.lsp_server.transforms.stdlib import functions

OURS: tuple[Refactoring, ...] = (Implement(), Annotate(), Document(), Repair(), *CONVERSIONS)
OTHERS = [
    (path.parent.name, text.partition("\n")[2].replace("‸", "").replace("«", "").replace("»", ""))
    for path in sorted(ROOT.glob("*/*/before"))
    for text in path.read_text("utf-8").split("=== ")[1:]
]
TEXTS = st.sampled_from([*OTHERS, *(("python", source) for source in functions()[:200])])


@given(TEXTS, st.sampled_from(OURS), st.data())
@settings(max_examples=500, deadline=None)
def test_it_is_made_or_refused(known: tuple[str, str], refactoring: Refactoring, data: st.DataObject) -> None:
    language, text = known
    if data.draw(st.booleans()):
        text = "# 😀é\n" + text if language == "python" else "// 😀é\n" + text
    if data.draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    if data.draw(st.booleans()):
        text = text.rstrip()
    if data.draw(st.integers(0, 3)) == 0:  # torn, as files are while they are typed in
        text = text[: data.draw(st.integers(0, len(text)))]
    if data.draw(st.integers(0, 3)) == 0:  # no error is anywhere but between characters
        at = data.draw(st.integers(0, len(text)))
        text = f"{text[:at]}😀'é😀'{text[at:]}"
    start = len(text[: data.draw(st.integers(0, len(text)))].encode())
    end = start if data.draw(st.booleans()) else len(text.encode())
    source, table = text.encode(), by_name(language)
    tree = parse(source, table)
    assert tree is not None
    snapshot = Snapshot(uri="file:///a", version=1, source=source, language=table, tree=tree)
    region = Region(start, end)
    title = refactoring.title(snapshot, region)
    try:
        change = refactoring.change(snapshot, region, answers={})
    except Refused:
        assert title is None, "it is offered, and refused"
        return
    assert title
    after = parse(change.source, table)
    assert after is not None
    assert tree.root_node.has_error or not after.root_node.has_error
    assert all(change.source[g.region.start : g.region.end].decode() for g in change.gaps)
    assert b"\r\n" not in source or change.source.count(b"\n") - change.source.count(b"\r\n") <= source.count(
        b"\n"
    ) - source.count(b"\r\n")
