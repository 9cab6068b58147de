"""Published models that write from left to right, by transformers' own classes: what diffusion is compared with."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList

from model.backends.left_to_right.fim_prompts import FORMATS, format_of
from model.backends.left_to_right.writer import Middle, Piece
from model.backends.published.weights import choose_device, choose_dtype
from model.errors import UnknownModel
from model.types import FillerInfo

_MOST_CONTEXT_TOKENS = 4096
_ANSWER_SHARE = 4
"""One part in so many of a short context is left for the answer."""
_UNFINISHED = "\N{REPLACEMENT CHARACTER}"


class TransformersWriter:
    """A `Writer`. Nothing of the checkpoint but its weights and texts is used: its own code is never run."""

    several = True
    rewrites = False

    def __init__(self, directory: Path, *, name: str, device: str = "auto") -> None:
        """Raises UnknownModel (missing, damaged, needs code of its own, knows no gaps) and UnknownDevice."""
        place = choose_device(device)
        transformers.logging.disable_progress_bar()
        if not any(directory.glob("*.safetensors")):
            raise UnknownModel(f"no *.safetensors in {directory}: name the folder of a published model")
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(directory, trust_remote_code=False)
            model: Any = AutoModelForCausalLM.from_pretrained(
                directory, trust_remote_code=False, use_safetensors=True, dtype=choose_dtype("auto", place)
            )
        except (OSError, ValueError, KeyError, RuntimeError, AttributeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:160]
            raise UnknownModel(
                f"cannot load the model in {directory} ({reason}): transformers has to know its kind"
            ) from error
        self._model: Any = model.to(place).eval()
        self._ids = self._tokenizer.get_vocab()
        found = format_of(self._ids)
        if found is None:
            kinds = ", ".join(known.title for known in FORMATS)
            raise UnknownModel(
                f"the model in {directory} has no fill-in-the-middle tokens as {kinds} have: name one of these"
            )
        self._format = found
        self._name, self._device = name, str(place)
        # One text after the other: torch's generator is one for all threads, and so is the device.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="left-to-right")

    @property
    def info(self) -> FillerInfo:
        longest = int(getattr(self._model.config, "max_position_embeddings", 0) or _MOST_CONTEXT_TOKENS)
        context = min(_MOST_CONTEXT_TOKENS, longest - longest // _ANSWER_SHARE)
        return FillerInfo(name=self._name, device=self._device, context_tokens=context)

    def count_tokens(self, text: str) -> int:
        return len(self._encode(text))

    def prompt(self, middle: Middle) -> list[int]:
        """The token ids of the prompt. What reads like a special token in the user's text stays text."""
        return self._format.prompt(self._encode(middle.prefix), self._encode(middle.suffix), ids=self._ids)

    async def write(self, middle: Middle) -> AsyncGenerator[Piece, None]:
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[list[str]] = asyncio.Queue()
        stop = threading.Event()
        watch = _Watch(self._tokenizer, middle, stop, lambda texts: loop.call_soon_threadsafe(told.put_nowait, texts))
        work: asyncio.Future[None] = loop.run_in_executor(self._thread, self._generate, middle, watch)
        sent = [""] * middle.count
        try:
            while not (work.done() and told.empty()):
                news = asyncio.ensure_future(told.get())
                either: set[asyncio.Future[Any]] = {news, work}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if not news.done():
                    news.cancel()
                    continue
                for index, text in enumerate(news.result()):
                    if text.startswith(sent[index]) and len(text) > len(sent[index]):
                        yield Piece(text[len(sent[index]) :], index)
                        sent[index] = text
            work.result()
        finally:
            stop.set()
            await asyncio.wait([work])  # until its next token: a new fill must not meet this one

    async def close(self) -> None:
        self._thread.shutdown()

    def _encode(self, text: str) -> list[int]:
        ids = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return [int(i) for i in ids]

    @torch.no_grad()
    def _generate(self, middle: Middle, watch: _Watch) -> None:
        prompt = torch.tensor([self.prompt(middle)], device=self._model.device)
        watch.begin = prompt.shape[1]
        eos = self._model.generation_config.eos_token_id
        ends = {self._ids[end] for end in self._format.ends if end in self._ids}
        ends |= set(eos if isinstance(eos, list) else [eos] if eos is not None else [])
        drawn = {"do_sample": True, "temperature": middle.temperature} if middle.temperature else {"do_sample": False}
        config = transformers.GenerationConfig(
            max_new_tokens=middle.max_tokens,
            num_return_sequences=middle.count,
            eos_token_id=sorted(ends),
            pad_token_id=min(ends, default=0),
            **drawn,
        )
        with torch.random.fork_rng():
            torch.manual_seed(middle.seed)
            self._model.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                generation_config=config,
                stopping_criteria=StoppingCriteriaList([watch]),
            )


class _Watch(StoppingCriteria):
    """Told of every token: passes the texts so far on, and says which rows are done."""

    def __init__(self, tokenizer: Any, middle: Middle, stop: threading.Event, tell: Any) -> None:
        self._tokenizer, self._middle, self._stop, self._tell = tokenizer, middle, stop, tell
        self.begin = 0

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002
        """Bool [rows]."""
        texts = self._tokenizer.batch_decode(input_ids[:, self.begin :], skip_special_tokens=True)
        kept = [self._until_stop(text) for text in texts]
        self._tell([text.rstrip(_UNFINISHED) for text in kept])
        done = [self._stop.is_set() or len(cut) < len(text) for cut, text in zip(kept, texts, strict=True)]
        return torch.tensor(done, device=input_ids.device)

    def _until_stop(self, text: str) -> str:
        ends = [text.find(stop) for stop in self._middle.stop if stop in text]
        return text[: min(ends)] if ends else text
