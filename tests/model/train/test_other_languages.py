from __future__ import annotations

from pathlib import Path

from model.train.corpus import Package
from model.train.other_languages import limited, other_languages
from tests.model.train.test_corpus import installed, texts


def script(n: int) -> str:
    return "\n".join(f"const value_{n}_{'abcdefghij'[i % 10]}{i} = compute(options);" for i in range(30))


def test_written_files_of_permissive_packages_count(tmp_path: Path) -> None:
    kept = {
        "web/src/a.ts": script(1),
        "web/static/js/b.js": script(2),
        "web/conf.yaml": script(3),
        "web/n.h": script(4),
    }
    dropped = {
        "web/dist/c.js": script(5),
        "web/static/d.js": script(6),
        "web/src/e.min.js": script(7),
        "web/src/f.d.ts": script(8),
        "web/src/g.js": "// Generated from g.sbl by Snowball\n" + script(9),
        "web/_vendor/h.js": script(10),
        "web/node_modules/i.js": script(11),
        "web/src/copy.ts": script(1),
        "web/j.py": script(12),
    }
    installed(tmp_path, "web", "MIT", kept | dropped)
    installed(tmp_path, "bound", "GPL-3.0-only", {"bound/a.js": script(13)})
    assert texts(other_languages([tmp_path])) == {"web (other languages)": sorted(kept.values())}


def test_held_out_packages_are_marked_and_their_copies_dropped(tmp_path: Path) -> None:
    installed(tmp_path, "django", "BSD-3-Clause", {"django/a.js": script(1)})
    installed(tmp_path, "web", "MIT", {"web/a.js": script(1), "web/b.js": script(2)})
    found = {package.name: package for package in other_languages([tmp_path])}
    assert found["django (other languages)"].held_out
    assert found["web (other languages)"].files == [script(2)]


def test_the_share_is_of_all_characters() -> None:
    packages = [
        Package("web", "1", "MIT", [script(n) for n in range(40)]),
        Package("apart", "1", "MIT", [script(99)], held_out=True),
    ]
    kept = texts(limited(packages, 20_000, share=0.2))
    characters = sum(map(len, kept["web"]))
    assert 0.15 < characters / (characters + 20_000) <= 0.2
    assert kept["apart"] == [script(99)]
