from __future__ import annotations

import hashlib
import json
import lzma
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from model.backends.gguf.file import GgufFile, GgufVocabulary
from model.errors import BadRequest
from model.lab.train.adapt.documents import read_documents, write_documents
from model.lab.train.base import packages
from model.lab.train.base.build import CALIBRATED, KEPT
from model.lab.train.base.counting import (
    COUNTED,
    frequencies,
    language_weights,
    published_order,
    write_counted,
)
from model.lab.train.base.train_base import vocabulary as command
from model.lab.train.base.vocabulary import read_ids
from tests.model.backends.gguf import tiny_gguf


def corpus(folder: Path, texts: list[tuple[str, str]]) -> Path:
    folder.mkdir()
    write_documents(folder, "train", texts)
    write_documents(folder, "held_out", [("python", "return " * 99)])
    rows = [{"name": name, "version": "1", "licence": "MIT", "held_out": name == "b"} for name in ("a", "b")]
    said = {"packages": rows, "characters": {"train": {"python": 1}}}
    (folder / "manifest.json").write_text(json.dumps(said), "utf-8")
    return folder


@pytest.fixture
def published(tmp_path: Path) -> GgufVocabulary:
    return GgufFile(tiny_gguf.write(tmp_path / "tiny.gguf")).vocabulary()


def test_tokens_of_a_language_weigh_by_its_share_not_by_its_size(tmp_path: Path, published: GgufVocabulary) -> None:
    texts = [("python", "self" * 3000), *[("go", "return" * 1000)] * 4, ("go", "():" * 2000)]
    found = frequencies(read_documents(corpus(tmp_path / "corpus", texts), "train"), published)
    counted = (found - (1 - COUNTED) * published_order(published)) / COUNTED
    assert found.sum() == pytest.approx(1)
    weights = language_weights({"python": 3000, "go": 6000})
    assert counted[published.tokens.index(b"self")] == pytest.approx(weights["python"])
    assert counted[published.tokens.index(b"return")] == pytest.approx(weights["go"] * 2 / 3)


@given(
    st.dictionaries(
        st.sampled_from(["python", "javascript", "typescript", "go", "c"]), st.integers(1, 10**8), min_size=1
    )
)
def test_weights_sum_to_one_and_small_samples_weigh_less(tokens: dict[str, float]) -> None:
    weights = language_weights(tokens)
    assert sum(weights.values()) == pytest.approx(1)
    for name, count in tokens.items():
        halved = language_weights(tokens | {name: count / 2})
        assert halved[name] <= weights[name] + 1e-12


def test_the_published_order_falls_over_ascii_alone(published: GgufVocabulary) -> None:
    order = published_order(published)
    ascii_ = order[order > 0]
    assert order.sum() == pytest.approx(1)
    assert (np.diff(ascii_) < 0).all()
    assert all(published.tokens[n].isascii() for n in np.flatnonzero(order))


def test_the_command_writes_the_same_choice_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tiny_gguf.write(tmp_path / packages.FILE)
    monkeypatch.setattr(packages, "SHA256", hashlib.sha256(source.read_bytes()).hexdigest())
    texts = [("python", "def f(self):\n    return self\n\n" * 50)]
    where = ["--cache", str(tmp_path), "--size", "262"]
    made = []
    for n in range(2):
        arguments = [str(corpus(tmp_path / f"corpus{n}", texts)), "--to", str(tmp_path / f"out{n}"), *where]
        done = CliRunner().invoke(command, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        made.append({path.name: path.read_bytes() for path in (tmp_path / f"out{n}").iterdir()})
    assert made[0] == made[1]
    kept = read_ids(tmp_path / "out0" / "vocabulary.txt")
    tokens = GgufFile(source).vocabulary().tokens
    assert 256 < len(kept) <= 262
    assert b"self" in {tokens[n] for n in kept}
    assert json.loads(lzma.decompress((tmp_path / "out0" / "counted.json.xz").read_bytes()))["packages"] == [
        {"name": "a", "version": "1", "licence": "MIT", "held_out": False}
    ]


def test_a_corpus_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no manifest"):
        write_counted(tmp_path, tmp_path / "counted.json.xz")


def test_the_built_in_choice_is_recorded_with_permissive_licences() -> None:
    told = json.loads(lzma.decompress((KEPT.parent / "counted.json.xz").read_bytes()))
    rows = told["packages"]
    assert isinstance(rows, list)
    assert len(rows) >= 150
    assert all(row["name"] and row["version"] and row["licence"] for row in rows)
    characters = told["characters"]
    assert isinstance(characters, dict)
    assert len(characters) >= 12
    kept = read_ids(KEPT)
    assert kept[:256] == list(range(256))
    assert len(kept) < len(read_ids(CALIBRATED))
