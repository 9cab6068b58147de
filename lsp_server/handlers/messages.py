"""What the user is shown: what is wrong and the remedy; in a terminal in one line, and then the whole goes to the log."""

from __future__ import annotations

from textwrap import shorten

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.session.session import Session

LINE_LENGTH = 78
"""A longer line makes a terminal editor of 80 columns wait for a key."""
_LEAST_WHAT = 30
"""A remedy leaves so many characters to what is wrong, the name of this program included."""
_MORE = " …"


TERMINAL_EDITORS = frozenset({"Neovim", "Vim", "vim", "coc.nvim", "helix", "kakoune", "kak-lsp"})
"""Clients, by the name that they give, that show a message in the last line of a terminal. The others break long lines."""


def tell(server: LanguageServer, session: Session, reason: str | Exception) -> None:
    """Show the user a message. In an editor of a terminal it is one line, and the log has what that lacks."""
    whole = f"dlm-fill: {reason}"
    line = one_line(whole) if session.editor in TERMINAL_EDITORS else whole
    server.window_show_message(lsp.ShowMessageParams(type=lsp.MessageType.Info, message=line))
    if line != whole:
        server.window_log_message(lsp.LogMessageParams(type=lsp.MessageType.Info, message=whole))


def one_line(message: str) -> str:
    """`message` in at most `LINE_LENGTH` characters. What is wrong is cut first, then the end of the remedy."""
    message = " ".join(message.split())
    if len(message) <= LINE_LENGTH:
        return message
    what, between, remedy = _parted(message)
    if not remedy:
        return _cut(message, LINE_LENGTH)
    remedy = _cut(remedy, LINE_LENGTH - len(between) - min(len(what), _LEAST_WHAT))
    return _cut(what, LINE_LENGTH - len(between) - len(remedy)) + between + remedy


def remedy_of(message: str) -> str:
    """What the message says to do: all behind its last `: ` or `; `; "" if there is none."""
    return _parted(message)[2]


def _parted(message: str) -> tuple[str, str, str]:
    at = max(message.rfind(": "), message.rfind("; "))
    whole = at < 0 or message[:at] == "dlm-fill"
    return (message, "", "") if whole else (message[:at], message[at : at + 2], message[at + 2 :])


def _cut(text: str, room: int) -> str:
    """`text` in at most `room` characters: between words, or inside one that is longer than that."""
    if len(text) <= room:
        return text
    cut = shorten(text, room, placeholder=_MORE, break_on_hyphens=False)
    return cut if len(cut) > room // 2 else text[: room - 1] + "…"
