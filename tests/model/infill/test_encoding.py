from __future__ import annotations

from model.infill.encoding import EncodedPrompt, encode_prompt
from model.types import Hole, Template
from tests.model.scripted import CharCodec, ids_of

CODEC = CharCodec()


def encoded(*pieces: str, max_lines: int | None = None, context_tokens: int = 1000) -> EncodedPrompt:
    holes = (Hole(max_lines=max_lines),) * (len(pieces) - 1)
    return encode_prompt(Template(pieces=pieces, holes=holes), CODEC, context_tokens=context_tokens)


def pieces(found: EncodedPrompt) -> list[str]:
    return [CODEC.decode(ids) for ids in found.context.pieces]


def test_partials_move_from_the_piece_into_the_hole() -> None:
    found = encoded("x = val", ";y = ", "")
    assert pieces(found) == ["x = ", ";y = ", ""]
    assert found.partials == ("val", "")
    assert found.encode(CODEC, 0, "ue").tolist() == ids_of("value").tolist()
    assert found.text(CODEC, 0, ids_of("value")) == "ue"
    assert found.text(CODEC, 0, ids_of("other")) is None


def test_crlf_context_reaches_the_model_as_lf() -> None:
    assert pieces(encoded("a;\r\n", "\r\nb;\r\n")) == ["a;\n", "\nb;\n"]


def test_line_starts() -> None:
    assert encoded("", "").line_starts == (True,)
    assert encoded("a;\n", "\n").line_starts == (True,)
    assert encoded("a;\nb ", "\n").line_starts == (False,)
    assert encoded("a;\nb", "\n").line_starts == (False,)


def test_text_has_at_most_so_many_lines() -> None:
    one, two = encoded("", "", max_lines=1), encoded("", "", max_lines=2)
    assert one.text(CODEC, 0, ids_of("a\nb\nc")) == "a"
    assert two.text(CODEC, 0, ids_of("a\nb\nc")) == "a\nb"
    assert two.text(CODEC, 0, ids_of("a\nb")) == "a\nb"
    assert encoded("", "").text(CODEC, 0, ids_of("a\nb\nc")) == "a\nb\nc"
    # Form feeds and their like are text, not line ends.
    assert one.text(CODEC, 0, ids_of("a\fb\nc")) == "a\fb"


def test_too_long_a_context_keeps_what_is_near_the_holes() -> None:
    assert pieces(encoded("1234567;", "-", ";abcdefg", context_tokens=9)) == ["34567;", "-", ";a"]
    assert pieces(encoded(";", ";abcdefg", context_tokens=5)) == [";", ";abc"]
    assert pieces(encoded("1234567;", ";", context_tokens=5)) == ["567;", ";"]


def test_what_is_read_begins_and_ends_at_the_same_place_over_keystrokes() -> None:
    def ends(typed: int, *, before: int, after: int) -> tuple[str, str, int]:
        numbered = "".join(chr(33 + n % 90) for n in range(before + typed)) + ";"
        behind = ";" + "".join(chr(33 + n % 90) for n in range(after))
        first, last = pieces(encoded(numbered, behind, context_tokens=160))
        start = len(numbered) - len(first)
        return numbered[:start], behind[len(last) :], len(first) + len(last)

    for before, after in ((300, 300), (300, 5), (90, 300), (40, 300)):
        found = [ends(typed, before=before, after=after) for typed in range(20)]
        assert len({(start, end) for start, end, _ in found}) <= 3
        assert all(160 - 40 <= size <= 160 for _, _, size in found)
