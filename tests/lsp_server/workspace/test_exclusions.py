"""Which rule keeps a file from models, and what asking costs."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import pytest

from lsp_server.errors import Excluded
from lsp_server.workspace.exclusions import Exclusions


def tree(root: Path, files: dict[str, str]) -> Exclusions:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Exclusions([root])


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        (".env", ".env*"),
        (".ENV.local", ".env*"),
        ("deploy/prod.env", "*.env"),
        ("id_rsa", "id_rsa*"),
        ("a/id_ed25519.pub", "id_ed25519*"),
        ("server.PEM", "*.pem"),
        ("tls.key", "*.key"),
        ("x.p12", "*.p12"),
        ("x.pfx", "*.pfx"),
        ("x.kdbx", "*.kdbx"),
        (".netrc", ".netrc"),
        (".npmrc", ".npmrc"),
        (".pypirc", ".pypirc"),
        ("credentials", "credentials*"),
        ("credentials.json", "credentials*"),
        ("secrets.yaml", "secrets.*"),
        (".aws/credentials", ".aws/*"),
        (".ssh/config", ".ssh/*"),
        (".gnupg/private/x", ".gnupg/*"),
        (".kube/config", ".kube/config"),
    ],
)
def test_secrets_are_left_alone_without_being_told(name: str, rule: str, tmp_path: Path) -> None:
    assert str(Exclusions([tmp_path]).excluded(tmp_path / name)) == f"{rule} (built in)"
    assert str(Exclusions().excluded((tmp_path / name).as_uri())) == f"{rule} (built in)"


SOURCES = [".py", ".ts", ".TSX", ".go", ".rs", ".java", ".kt", ".swift", ".rb", ".php", ".c", ".vue", ".cs", ".lua"]
KEEPERS = [
    "",
    ".json",
    ".yaml",
    ".yml",
    ".toml",
    ".sh",
    ".txt",
    ".ini",
    ".cfg",
    ".md",
    ".bak",
    ".py.bak",
    ".pub",
    ".xml",
]


@pytest.mark.parametrize("stem", ["credentials", "credentials_test", "id_rsa_parser", "id_ed25519", "credentialsStore"])
def test_source_code_is_told_from_secrets_by_its_extension(stem: str, tmp_path: Path) -> None:
    exclusions = Exclusions([tmp_path])
    assert [ending for ending in SOURCES if exclusions.excluded(tmp_path / f"{stem}{ending}")] == []
    assert [ending for ending in KEEPERS if not exclusions.excluded(tmp_path / f"{stem}{ending}")] == []


@pytest.mark.parametrize(
    "name", ["secrets.py", "secrets.ts", "Secrets.java", "secrets.go", "secrets.d.ts", "credentials.html"]
)
def test_more_source_code(name: str, tmp_path: Path) -> None:
    assert Exclusions([tmp_path]).excluded(tmp_path / name) is None
    assert Exclusions([tmp_path]).excluded(tmp_path / ".ssh" / name) is not None, "but not where all is secret"


@pytest.mark.parametrize("name", [".env.py", ".env", "secrets.json", "secrets.env", "prod.env", "client_secret_1.json"])
def test_no_source_code(name: str, tmp_path: Path) -> None:
    assert Exclusions([tmp_path]).excluded(tmp_path / name) is not None


@pytest.mark.parametrize(
    "name",
    ["environment.py", "keys.py", "my_secrets.py", "credentials-service/main.py", "secrets.d/a.py", "kube/config"],
)
def test_ordinary_files_are_not(name: str, tmp_path: Path) -> None:
    assert tree(tmp_path, {name: ""}).excluded(tmp_path / name, opened=False, for_context=True) is None


@pytest.mark.parametrize(
    ("uri", "rule"),
    [
        ("git:/w/.env?%7B%22ref%22%3A%22HEAD%22%7D", ".env* (built in)"),
        ("untitled:.env", ".env* (built in)"),
        ("vscode-remote://ssh-remote+host/home/me/.ssh/id", ".ssh/* (built in)"),
        ("file:///w/%2Eenv", ".env* (built in)"),
        ("untitled:Untitled-1", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_every_scheme_tells_a_name(uri: str, rule: str | None) -> None:
    found = Exclusions().excluded(uri)
    assert (str(found) if found else None) == rule


RULES = {
    ".dlmignore": "# ours\n*.gen.py\n/build/\nlogs/*\n!logs/keep.py\n!.env.example\n",
    "sub/.dlmignore": "!b.gen.py\nown.py\n!build/\n",
}


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("a.gen.py", "*.gen.py (.dlmignore:2)"),
        ("sub/a.gen.py", "*.gen.py (.dlmignore:2)"),
        ("sub/b.gen.py", None),
        ("own.py", None),
        ("sub/deep/own.py", "own.py (sub/.dlmignore:2)"),
        ("build/x/y.py", "/build/ (.dlmignore:3)"),
        ("sub/build/y.py", None),
        ("sub/build/.env", ".env* (built in)"),
        ("logs/a.py", "logs/* (.dlmignore:4)"),
        ("logs/keep.py", None),
        ("logs/keep/keep.py", "logs/* (.dlmignore:4)"),
        (".env.example", None),
        (".env", ".env* (built in)"),
    ],
)
def test_dlmignore_reads_like_gitignore(name: str, rule: str | None, tmp_path: Path) -> None:
    found = tree(tmp_path, RULES).excluded(tmp_path / name)
    assert (str(found) if found else None) == rule


@pytest.mark.parametrize("negation", ["!*", "!**", "!*.py", "!config/", "!config", "!/config/**"])
def test_a_negation_that_means_something_else_brings_no_secret_back(negation: str, tmp_path: Path) -> None:
    exclusions = tree(tmp_path, {".dlmignore": f"*\n{negation}\n", "config/.env": ""})
    assert exclusions.excluded(tmp_path / "config" / ".env") is not None
    exclusions = tree(tmp_path, {".dlmignore": f"{negation}\n"})
    assert str(exclusions.excluded(tmp_path / "config" / ".env")) == ".env* (built in)"


def test_gitignore_holds_for_context_alone(tmp_path: Path) -> None:
    exclusions = tree(tmp_path, {".gitignore": "local*.py\n!.env\n", ".git/HEAD": ""})
    file = tmp_path / "local_1.py"
    assert exclusions.excluded(file) is None
    assert str(exclusions.excluded(file, for_context=True)) == "local*.py (.gitignore:1)"
    assert exclusions.excluded(tmp_path / ".env") is not None, "git's negations are about git"
    assert exclusions.excluded(tmp_path / ".git" / "HEAD", for_context=True) is not None


def test_rules_begin_at_the_repository_around_the_workspace(tmp_path: Path) -> None:
    tree(tmp_path, {".dlmignore": "hidden.py\n", "repo/.git/HEAD": "", "repo/.dlmignore": "gen/\n"})
    inside = Exclusions([tmp_path / "repo" / "part"])
    assert str(inside.excluded(tmp_path / "repo/part/gen/a.py")) == "gen/ (.dlmignore:1)"
    assert inside.excluded(tmp_path / "repo/part/hidden.py") is None, "above the repository"
    assert Exclusions().excluded(tmp_path / "elsewhere/hidden.py") is not None, "outside of one, all folders above"


def test_outside_the_workspace_only_what_was_opened(tmp_path: Path) -> None:
    exclusions = Exclusions([tmp_path / "w"])
    assert str(exclusions.excluded(tmp_path / "other.py", opened=False)) == "outside the workspace"
    assert str(exclusions.excluded(tmp_path / "w2" / "a.py", opened=False)) == "outside the workspace"
    assert exclusions.excluded(tmp_path / "other.py") is None
    assert exclusions.excluded(tmp_path / "w" / "a.py", opened=False) is None
    assert exclusions.excluded(tmp_path / "w" / ".." / "other.py", opened=False) is not None


def test_a_link_to_a_secret_is_a_secret(tmp_path: Path) -> None:
    exclusions = tree(tmp_path / "w", {".dlmignore": "!notes.txt\n", ".env": "x", "a.py": ""})
    (tmp_path / "w" / "notes.txt").symlink_to(".env")
    (tmp_path / "keys").mkdir()
    (tmp_path / "w" / "lib").symlink_to(tmp_path / "keys")
    (tmp_path / "w" / ".env.link").symlink_to("a.py")
    assert str(exclusions.excluded(tmp_path / "w/notes.txt")) == ".env* (built in)"
    assert str(exclusions.excluded(tmp_path / "w/lib/a.py", opened=False)) == "outside the workspace"
    assert exclusions.excluded(tmp_path / "w/.env.link") is not None, "by its own name"
    (tmp_path / "w" / "circle").symlink_to("circle")
    assert exclusions.excluded(tmp_path / "w/circle") is None


def test_rules_are_read_again_when_they_change_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exclusions = tree(tmp_path, {".dlmignore": "other.py\n", "a/b/one.py": ""})
    file = tmp_path / "a" / "b" / "one.py"
    assert exclusions.excluded(file) is None
    opened: list[Any] = []
    looked: list[Any] = []
    real_open, real_stat = builtins.open, os.stat

    def seen(*given: Any, **named: Any) -> Any:
        opened.append(given)
        return real_open(*given, **named)

    monkeypatch.setattr(builtins, "open", seen)

    def counted(path: Any, *rest: Any, **named: Any) -> Any:
        looked.append(path)
        return real_stat(path, *rest, **named)

    monkeypatch.setattr(os, "stat", counted)
    assert exclusions.excluded(file) is None
    assert opened == []
    ours = [path for path in looked if str(path).startswith(str(tmp_path))]
    assert len(ours) <= 3, "one look per folder"
    (tmp_path / ".dlmignore").write_text("one.py\n# longer\n")
    assert str(exclusions.excluded(file)).startswith("one.py")
    (tmp_path / "a" / ".dlmignore").write_text("!one.py\n")
    assert exclusions.excluded(file) is None
    (tmp_path / "a" / ".dlmignore").unlink()
    assert exclusions.excluded(file) is not None


def test_rules_that_cannot_be_read_exclude_everything_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exclusions = tree(tmp_path, {".dlmignore": ""})

    def refused(*_: Any, **__: Any) -> Any:
        raise PermissionError

    monkeypatch.setattr(builtins, "open", refused)
    assert str(exclusions.excluded(tmp_path / "a.py")) == ".dlmignore cannot be read"


def test_lines_that_mean_nothing_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".dlmignore").write_bytes(b"\xef\xbb\xbf#\r\n\r\n!\n\\\n\xff.py\r\na.py\r\n")
    exclusions = Exclusions([tmp_path])
    assert str(exclusions.excluded(tmp_path / "a.py")) == "a.py (.dlmignore:6)"
    assert exclusions.excluded(tmp_path / "b.py") is None


def test_the_error_names_file_rule_and_remedy(tmp_path: Path) -> None:
    exclusions = tree(tmp_path, {".dlmignore": "x.py\n"})
    with pytest.raises(Excluded) as found:
        exclusions.check(tmp_path / ".env")
    assert str(found.value) == (
        ".env: excluded by .env* (built in); it may hold secrets; "
        "to fill it all the same, write the line !.env into a .dlmignore beside it"
    )
    with pytest.raises(Excluded, match=r"x\.py: excluded by x\.py \(\.dlmignore:1\); change that line"):
        exclusions.check((tmp_path / "x.py").as_uri())
    (tmp_path / ".dlmignore").write_text("!.env\n")
    exclusions.check(tmp_path / ".env")
