"""What a comparison needs before its first step: the holes that judge, and the corpora of the chosen arms.

The corpora are made from one that is there: under another tokenizer, or with other languages mixed in.
"""

from __future__ import annotations

import json
import random
import shutil
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from model.errors import BadRequest
from model.tokenizer import Tokenizer, train_tokenizer
from model.train.ab import cases
from model.train.ab.arm import ArmSpec
from model.train.ab.cases import texts_of
from model.train.corpus import Package
from model.train.other_languages import limited, other_languages
from model.train.tokens import Tokens, build

LARGE_VOCABULARY = 16_384
OTHER_SHARE = 0.15


def sample(corpus: Path, split: str, *, characters: int, seed: int = 0) -> list[str]:
    """Whole files of a tokenised corpus, drawn at random, of about so many characters together.

    Raises BadRequest if there is no corpus.
    """
    if not (corpus / "manifest.json").exists():
        raise BadRequest(f"no corpus in {corpus}: make it with `dlm-fill train corpus --out {corpus}`")
    tokens, tokenizer = Tokens.load(corpus, split), Tokenizer(corpus / "tokenizer.json")
    order = list(range(len(tokens.offsets) - 1))
    random.Random(seed).shuffle(order)
    texts: list[str] = []
    for file in order:
        if characters <= 0:
            break
        span = tokens.offsets[file : file + 2]
        texts += texts_of(Tokens(ids=tokens.ids, offsets=span), tokenizer)
        characters -= len(texts[-1])
    return texts


def _packages(train: list[str], held_out: list[str]) -> list[Package]:
    return [Package("sample", "", "", train), Package("held out", "", "", held_out, held_out=True)]


def retokenised(corpus: Path, folder: Path, *, vocab_size: int, characters: int) -> None:
    """A sample of the corpus under a tokenizer of another size, learned from that sample."""
    if (folder / "manifest.json").exists():
        return
    train = sample(corpus, "train", characters=characters)
    held_out = sample(corpus, "held_out", characters=characters // 20, seed=1)
    folder.mkdir(parents=True, exist_ok=True)
    train_tokenizer(train, vocab_size=vocab_size, path=folder / "tokenizer.json")
    build(_packages(train, held_out), folder, vocab_size=vocab_size)


def mixed(corpus: Path, folder: Path, others: Sequence[Package], *, share: float) -> list[str]:
    """A corpus of which `share` is other languages, under the same tokenizer; the held-out texts of those languages.

    As much Python is drawn as makes the share: nothing is repeated.
    """
    apart = [text for package in others if package.held_out for text in package.files]
    if (folder / "manifest.json").exists():
        return apart
    there = sum(len(text) for package in others if not package.held_out for text in package.files)
    python = sample(corpus, "train", characters=int(there * (1 - share) / share))
    chosen = limited(list(others), sum(map(len, python)), share=share)
    files = [text for package in chosen if not package.held_out for text in package.files]
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(corpus / "tokenizer.json", folder / "tokenizer.json")
    vocab_size = Tokenizer(corpus / "tokenizer.json").vocab_size
    manifest = build(_packages(python + files, apart), folder, vocab_size=vocab_size)
    manifest["other_languages"] = {
        "share": round(sum(map(len, files)) / sum(map(len, python + files)), 4),
        "packages": [package.manifest() for package in chosen],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return apart


def prepare_cases(corpus: Path, out: Path, *, count: int) -> None:
    """Draw the Python holes, unless they are there. Raises BadRequest if there is no corpus."""
    if not (corpus / "manifest.json").exists():
        raise BadRequest(f"no corpus in {corpus}: make it with `dlm-fill train corpus --out {corpus}`")
    out.mkdir(parents=True, exist_ok=True)
    path = out / "cases-python.jsonl"
    if not path.exists():
        tokenizer = Tokenizer(corpus / "tokenizer.json")
        texts = texts_of(Tokens.load(corpus, "held_out"), tokenizer)
        cases.save(cases.draw(texts, count, tokenizer, seed=0), path)


def corpora_for(
    arms: Sequence[ArmSpec], corpus: Path, out: Path, *, sites: Sequence[Path], characters: int, count: int
) -> dict[str, Path]:
    """Where each corpus lies that the arms need; made if it is not there.

    Raises BadRequest if other languages are asked for and the packages bring none.
    """
    needed = {arm.corpus for arm in arms}
    found = {"python": corpus}
    if "16k" in needed:
        found["16k"] = out / f"corpus-{LARGE_VOCABULARY}"
        retokenised(corpus, found["16k"], vocab_size=LARGE_VOCABULARY, characters=characters)
    if "mixed" in needed:
        found["mixed"] = out / "corpus-mixed"
        _mixed(corpus, out, found["mixed"], sites, count)
    return found


def _mixed(corpus: Path, out: Path, folder: Path, sites: Sequence[Path], count: int) -> None:
    path = out / "cases-other.jsonl"
    if path.exists():
        return
    others = other_languages(sites or [Path(sysconfig.get_path("purelib"))])
    if not any(p.held_out for p in others) or all(p.held_out for p in others):
        raise BadRequest("the packages bring too few files of other languages: name more --site folders")
    apart = mixed(corpus, folder, others, share=OTHER_SHARE)
    cases.save(cases.draw(apart, count, Tokenizer(corpus / "tokenizer.json"), seed=1), path)
