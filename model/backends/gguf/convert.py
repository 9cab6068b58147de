"""A GGUF file as a model folder of our runtime: made once, kept in the user's cache, found again by the file's content.

What has four bits a weight in the file keeps four (groups of 32 with mins), everything else gets eight: more than it had.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from model.backends.builtin.storage.config import ModelConfig, write_config
from model.backends.builtin.storage.packing import format_of, pack, quantise
from model.backends.builtin.storage.shards import Packed, write_shards
from model.backends.builtin.storage.weights import EMBEDDING, matrix_shapes, vector_lengths
from model.backends.gguf.file import GgufFile
from model.backends.gguf.tokenizer_file import PATTERNS, write_tokenizer
from model.errors import DiskFull, UnknownModel

Say = Callable[[int, int], None]
FORMAT = 1
"""What is converted in another way than this is converted anew."""
CONTEXT_TOKENS = 2048
GROUP = 32
_SAMPLE_BYTES = 1 << 20
_STALE_S = 86_400.0
_ROOM = 1.35
"""A folder takes at most so many times the bytes of its file, with some to spare: six bits become eight."""
_FIM = {
    "fim_prefix": ("fim_pre", "prefix"),
    "fim_suffix": ("fim_suf", "suffix"),
    "fim_middle": ("fim_mid", "middle"),
}
_FIM_TEXTS = {
    "fim_prefix": ("<|fim_prefix|>", "<fim_prefix>", "<fim-prefix>", "<｜fim▁begin｜>", "<|fim_begin|>", "<PRE>"),
    "fim_suffix": ("<|fim_suffix|>", "<fim_suffix>", "<fim-suffix>", "<｜fim▁hole｜>", "<|fim_hole|>", "<SUF>"),
    "fim_middle": ("<|fim_middle|>", "<fim_middle>", "<fim-middle>", "<｜fim▁end｜>", "<|fim_end|>", "<MID>"),
}
_ENDS = ("<|endoftext|>", "<|end_of_text|>", "<｜end▁of▁sentence｜>")


def converted(path: Path, *, say: Say | None = None) -> Path:
    """The model folder that the file was converted into, which is done now if it was not yet.

    `say(n, of)` hears of each matrix. Nothing is left of a folder that could not be finished. Raises UnknownModel,
    MissingExtra, DiskFull.
    """
    if not path.is_file():
        raise UnknownModel(f"there is no file {path}: name a GGUF file, or a directory that holds a model")
    root = user_cache_path("dlm-fill") / "gguf"
    folder = root / f"{path.stem}-{_content(path)}"
    if (folder / "config.json").is_file():
        return folder
    file = GgufFile(path)
    _checked(file)
    try:
        root.mkdir(parents=True, exist_ok=True)
        _clear(root)
        free = shutil.disk_usage(root).free
        if free < _ROOM * path.stat().st_size:
            raise _full(path, root, free)
        with tempfile.TemporaryDirectory(dir=root, prefix=f".{path.stem}-") as scratch:
            made = Path(scratch, "model")
            made.mkdir()
            _write(file, made, say or _shown)
            try:
                made.replace(folder)
            except OSError:
                if not (folder / "config.json").is_file():  # else somebody else was faster
                    raise
    except OSError as error:
        raise DiskFull(
            f"cannot convert {path} into {root} ({error.strerror}): free some space, or set XDG_CACHE_HOME to another folder"
        ) from error
    return folder


def _content(path: Path) -> str:
    """What tells the file from others: its size, its beginning (with all metadata that count) and its end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
        file.seek(max(0, size - _SAMPLE_BYTES))
        sample += file.read(_SAMPLE_BYTES)
    return blake2b(sample + f"{size} {FORMAT}".encode(), digest_size=8).hexdigest()


def _full(path: Path, root: Path, free: int) -> DiskFull:
    wanted = _ROOM * path.stat().st_size
    return DiskFull(
        f"{path} takes {wanted / 1e9:.1f} GB once converted, {root} has room for {free / 1e9:.1f} GB: free some space,"
        " or set XDG_CACHE_HOME to a folder on another disk"
    )


def _clear(root: Path) -> None:
    """Take away what a conversion left that was killed."""
    for left in root.glob(".*"):
        if time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)


def _checked(file: GgufFile) -> None:
    """Raises UnknownModel for what can be told before anything is written."""
    if not file.ties_its_head:
        raise UnknownModel(
            f"{file.path} has a head apart from its embedding, which the runtime does not compute: name a smaller model of"
            " the family (Qwen2.5-Coder up to 3B shares them), or serve it with llama.cpp (--model llamacpp:URL)"
        )
    pre = str(file.field("tokenizer.ggml.pre", "default"))
    if pre not in PATTERNS:
        raise UnknownModel(f"{file.path} parts text as {pre!r} does: this reads {', '.join(PATTERNS)}")


def _write(file: GgufFile, folder: Path, say: Say) -> None:
    vocabulary = file.vocabulary()
    tokens = range(len(vocabulary.tokens))
    pattern = PATTERNS[str(file.field("tokenizer.ggml.pre", "default"))]
    special = write_tokenizer(vocabulary, tokens, folder / "tokenizer.json", pattern=pattern)
    rows = np.array([*vocabulary.ids, *vocabulary.special.values()], dtype=np.int64)
    config = file.config(
        vocab_size=len(rows), special=special_ids(file, special, vocabulary.special), context_tokens=CONTEXT_TOKENS
    )
    shapes, matrices = matrix_shapes(config), dict[str, Packed]()
    for n, (name, shape) in enumerate(shapes.items()):
        weight = file.weight(name)
        weight = np.ascontiguousarray(weight[rows]) if name == EMBEDDING else weight
        if weight.shape != shape:
            raise UnknownModel(f"{file.path}: {name} is {weight.shape}, not {shape}: name a complete GGUF file")
        bits = 8 if name == EMBEDDING else file.bits(name)
        codes, scales, mins = quantise(weight, bits=bits, group=GROUP, mins=bits == 4)
        form = format_of(codes, scales, mins, bits=bits)
        matrices[name] = Packed(format=form, pieces=(pack(codes, scales, mins, bits=bits),))
        say(n + 1, len(shapes))
    write_shards(
        folder, matrices, {name: _vector(file, name, length) for name, length in vector_lengths(config).items()}
    )
    about = {"method": "from GGUF", "file": file.path.name, "architecture": file.architecture}
    write_config(ModelConfig(**{**vars(config), "quantisation": about}), folder)


def _vector(file: GgufFile, name: str, length: int) -> NDArray[np.float32]:
    """A norm or bias; llama has no biases of queries, keys and values."""
    if name.endswith(".bias") and not file.has(name):
        return np.zeros(length, dtype=np.float32)
    return file.weight(name)


def special_ids(file: GgufFile, new: Mapping[str, int], old: Mapping[str, int]) -> dict[str, int]:
    """Ids of the special tokens by their plain names, those of fill-in-the-middle as the metadata name them.

    new, old: ids by text, in the folder and in the file. Raises UnknownModel for a network without fill-in-the-middle.
    """
    by_old = {id_: new[text] for text, id_ in old.items()}
    found = {text.strip("<|>｜").replace("/", "end_"): id_ for text, id_ in new.items()}
    for name, keys in _FIM.items():
        said = [file.field(f"tokenizer.ggml.{key}_token_id", -1) for key in keys]
        ids = [by_old[id_] for id_ in said if id_ in by_old]
        ids += [new[text] for text in _FIM_TEXTS[name] if text in new]
        if not ids:
            raise UnknownModel(
                f"{file.path} was not trained to fill gaps: it names no token {name} (tokenizer.ggml.{keys[0]}_token_id);"
                " name a coder with fill-in-the-middle, such as Qwen2.5-Coder"
            )
        found[name] = ids[0]
    ends = [new[text] for text in _ENDS if text in new]
    ends += [
        by_old[id_] for key in ("eot", "eos") if (id_ := file.field(f"tokenizer.ggml.{key}_token_id", -1)) in by_old
    ]
    if not ends:
        raise UnknownModel(f"{file.path} names no token that ends a text (tokenizer.ggml.eos_token_id)")
    found["endoftext"] = ends[0]
    return found


def _shown(done: int, of: int) -> None:
    """Progress on a terminal; silence elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\rconverting, once: {100 * done // of} %" + ("\n" if done == of else ""))
        sys.stderr.flush()
