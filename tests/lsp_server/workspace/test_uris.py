from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.workspace.uris import Uri, path_in, path_of

AWKWARD = "%#?&+;=@!$'()*,[]{}|^`~<>\" ab0é漢😀\t\n\x7f"
POSIX_NAMES = st.one_of(
    st.text(alphabet=AWKWARD + ":\\", min_size=1, max_size=8),
    st.sampled_from(["%41", "%2e%2e", "%2F", "%25", "%2525", "c#", "a?b", "50%20off", "%zz", "C:", "c|", "é.py"]),
).filter(lambda name: name not in {".", ".."})
WINDOWS_NAMES = st.one_of(
    st.text(alphabet="%#&+;=@!$'()~ab0é漢😀 ", min_size=1, max_size=8).map(lambda name: f"{name}x"),
    st.sampled_from(["%41", "%2e%2e", "%25", "c#", "50%20off", "%3A"]),
)


@given(st.lists(POSIX_NAMES, min_size=1, max_size=4))
def test_a_posix_path_comes_back(names: list[str]) -> None:
    path = PurePosixPath("/", *names)
    uri = str(Uri.of(path))
    assert uri.isascii()
    assert Uri.parse(uri).path_on(PurePosixPath) == path
    assert Uri.parse(uri).path_on(PurePosixPath) == PurePosixPath(Uri.parse(path.as_uri()).path_on(PurePosixPath) or "")
    assert str(Uri.parse(uri)) == uri


@given(st.lists(WINDOWS_NAMES, min_size=1, max_size=4), st.sampled_from(["C:\\", "d:\\", "\\\\server\\share\\"]))
def test_a_windows_path_comes_back(names: list[str], root: str) -> None:
    path = PureWindowsPath(root, *names)
    uri = str(Uri.of(path))
    assert Uri.parse(uri).path_on(PureWindowsPath) == path
    assert Uri.parse(path.as_uri()).path_on(PureWindowsPath) == path, "as Python writes it"


@given(st.lists(POSIX_NAMES, min_size=1, max_size=3), st.data())
def test_how_a_name_is_escaped_makes_no_difference(names: list[str], data: st.DataObject) -> None:
    path = PurePosixPath("/", *names)
    safe = data.draw(st.sampled_from(["/", "/:@", "/!$&'()*+,;=:@~", "/-_.~"]))
    uri = "file://" + data.draw(st.sampled_from(["", "localhost"])) + quote(str(path), safe=safe)
    lower = (
        uri
        if data.draw(st.booleans())
        else "".join(part.lower() if at % 2 else part for at, part in enumerate(_escapes(uri)))
    )
    assert Uri.parse(lower).key == Uri.of(path).key
    assert path_of(lower) == Path(path)


def _escapes(uri: str) -> list[str]:
    import re

    return re.split(r"(%[0-9A-F]{2})", uri)


@given(st.text(max_size=30))
def test_any_text_is_read_without_an_error(text: str) -> None:
    uri = Uri.parse(text)
    assert isinstance(uri.key, tuple)
    assert uri.path is None or uri.path.is_absolute()
    assert uri.place is None or "\0" not in str(uri.place)


@pytest.mark.parametrize(
    ("uri", "posix", "windows"),
    [
        ("file:///a%20b/%C3%A9.py", "/a b/é.py", None),
        ("FILE:///a.py", "/a.py", None),
        ("file://localhost/a.py", "/a.py", None),
        ("file:////w/.env", "/w/.env", None),
        ("file:///c%3A/x/a.py", "/c:/x/a.py", "c:/x/a.py"),
        ("file:///C:/x/a.py", "/C:/x/a.py", "C:/x/a.py"),
        ("file:///c|/x", "/c|/x", "c:/x"),
        ("file:///c:", "/c:", None),
        ("file://server/share/a%23b.py", None, "//server/share/a#b.py"),
        ("file://wsl%24/Ubuntu/a.py", None, "//wsl$/Ubuntu/a.py"),
        ("file:///a%2523.py", "/a%23.py", None),
        ("file:///a%00b", None, None),
        ("file:a.py", None, None),
        ("untitled:Untitled-1", None, None),
        ("git:/w/a.py?HEAD", None, None),
        ("", None, None),
    ],
)
def test_paths_on_both_kinds_of_system(uri: str, posix: str | None, windows: str | None) -> None:
    assert Uri.parse(uri).path_on(PurePosixPath) == (posix and PurePosixPath(posix))
    if windows is not None:
        assert Uri.parse(uri).path_on(PureWindowsPath) == PureWindowsPath(windows)


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("git:/w/.env?%7B%22ref%22%3A%22HEAD%22%7D", "/w/.env"),
        ("untitled:.env", ".env"),
        ("vscode-notebook-cell:/w/%2541.ipynb#W0s", "/w/%41.ipynb"),
        ("vscode-remote://ssh-remote%2Bhost/w/.env", "/w/.env"),
        ("file://elsewhere/w/.env", "/w/.env"),
        ("http://[broken", None),
        ("x:%00", None),
    ],
)
def test_any_scheme_may_tell_a_name(uri: str, place: str | None) -> None:
    assert path_in(uri) == (place and Path(place))


def test_what_differs_is_no_one_document() -> None:
    uris = [
        "file:///a%25b",
        "file:///a%2525b",
        "file:///a%b0",
        "nb:/a#1",
        "nb:/a#2",
        "nb:/a",
        "git:/a?1",
        "git:/a?2",
        "GIT:/b",
    ]
    assert len({Uri.parse(uri).key for uri in uris}) == len(uris)
    assert Uri.parse("file:///C%3A/a").key == Uri.parse("file:///c:/a").key


def test_names_that_are_no_utf8_come_back() -> None:
    path = PurePosixPath("/w/\udcff.py")
    assert str(Uri.of(path)) == "file:///w/%FF.py"
    assert Uri.parse("file:///w/%FF.py").path_on(PurePosixPath) == path


def test_only_absolute_paths_have_a_uri() -> None:
    with pytest.raises(AssertionError, match="not absolute"):
        Uri.of(PurePath("a.py"))
