"""Devices, libraries, memory, speed, keys: what models find here. torch is imported only where it may see a GPU."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from model.backends.published.hub.cache import cache_folder
from model.backends.published.hub.known import KNOWN
from model.backends.published.number_format import Measured, all_measured
from model.backends.remote.address import KINDS, parse_address
from model.backends.remote.keys import find_key
from model.machine.finding import Finding
from model.machine.speed import Speed, cpu_speed, gpu_speed

Version = Callable[[str], str | None]
Gpu = tuple[str, str, int]
SMALL, LARGE = 0.5e9, 7.6e9
_LARGE_NAME = "7B"
_CONTEXT_TOKENS, _STEPS = 2048, 8


def version_of(package: str) -> str | None:
    """The installed version; importing nothing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def diagnose(
    *,
    version: Version = version_of,
    environ: Mapping[str, str] | None = None,
    measure: Callable[[], Speed] = cpu_speed,
    measure_gpu: Callable[[str], Speed] = gpu_speed,
    load: Callable[[], float] | None = None,
    find_gpus: Callable[[str | None], Sequence[Gpu]] | None = None,
    probed: Callable[[], Mapping[str, Measured]] = all_measured,
) -> Iterator[Finding]:
    """Everything, in the order in which it is to be read. `load`: how many processes want to compute, others included."""
    environ = os.environ if environ is None else environ
    memory = _memory_bytes()
    held = f", {memory / 1e9:.0f} GB of memory" if memory else ""
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    yield Finding(topic="machine", text=f"{system}, {os.cpu_count()} cores{held}")
    yield from _libraries(version)
    yield _builtin()
    gpus = (find_gpus or _gpus)(version("torch"))
    yield from _devices(gpus, version, memory)
    waiting, cores = (load or _load)(), os.cpu_count() or 1
    yield _speed("cpu", "float32", 4, measure())
    if waiting > cores:
        yield Finding(
            topic="speed",
            text=f"other programs are computing, too (load {waiting:.1f} on {cores} cores): the figures are too low",
            remedy="measure again when the machine is idle",
        )
    for what, found in probed().items():
        times = f"{found.float32_ms:.2f} ms in float32, {found.bfloat16_ms:.2f} in bfloat16"
        yield Finding(topic="number format", text=f"{found.dtype} ({what}: {times})")
    for device, name, _ in gpus:
        try:
            yield _speed(f"{device} ({name})", "bfloat16", 2, measure_gpu(device))
        except RuntimeError:  # torch's out of memory, driver too old, … are of this kind
            yield Finding(
                topic="speed", text=f"{device}: cannot be measured", remedy="end what else uses it, check its driver"
            )
    yield from _keys(environ)


def _libraries(version: Version) -> Iterator[Finding]:
    for package, why, extra in (
        ("torch", "runs published models, and uses GPUs", "torch"),
        ("transformers", "reads published models' tokenizers", "torch"),
        ("huggingface_hub", "fetches published models", "torch"),
        ("keyring", "keeps keys of remote models", "keyring"),
    ):
        found = version(package)
        remedy = f"to have it: pip install 'dlm-fill[{extra}]'" if extra else "reinstall dlm-fill"
        text = f"{package} {found}" if found else f"no {package}, which {why}"
        yield Finding(topic="library", text=text, remedy="" if found else remedy)


def _builtin() -> Finding:
    """What `--model builtin` runs on, on the CPU."""
    from model.backends.builtin.runtime.compiled import library, variant

    found = library()
    if found is not None:
        return Finding(topic="built-in model", text=f"runs on the CPU, compiled for {variant(found)}")
    remedy = "many times faster: install a C compiler, then: python -m model.backends.builtin.kernel.build"
    return Finding(topic="built-in model", text="runs on the CPU by NumPy, not compiled", remedy=remedy)


def _gpus(torch_version: str | None) -> Sequence[Gpu]:
    """Every GPU that torch sees: device, name, bytes of memory."""
    if torch_version is None or torch_version.endswith("+cpu"):
        return []  # importing it takes seconds, and it could not use one
    import torch

    cuda = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    found = [(f"cuda:{i}", gpu.name, gpu.total_memory) for i, gpu in enumerate(cuda)]
    if torch.backends.mps.is_available():
        found.append(("mps", "Apple GPU", torch.mps.recommended_max_memory()))
    return found


def _devices(gpus: Sequence[Gpu], version: Version, memory: int) -> Iterator[Finding]:
    for device, name, held in gpus:
        yield Finding(topic="device", text=f"{device}: {name}, {held / 1e9:.0f} GB, bfloat16; {_fits(held, 2)}")
    if not gpus and (version("torch") or "").endswith("+cpu"):
        yield Finding(
            topic="device",
            text="no GPU in use: this torch is built for the CPU alone",
            remedy="with a GPU, install torch as its site says for yours",
        )
    fits = f"; {_fits(memory, 4)}" if memory else ""
    yield Finding(topic="device", text=f"cpu: float32{fits}")


def _fits(memory: int, bytes_each: int) -> str:
    """The largest known model that leaves a tenth of the memory for the rest."""
    sizes = {known.parameters for known in KNOWN if known.parameters * 1e9 * bytes_each < 0.9 * memory}
    return f"published models of up to {max(sizes):.1f} B parameters fit" if sizes else "no published model fits"


def _speed(device: str, dtype: str, bytes_each: int, speed: Speed) -> Finding:
    small, large = (speed.pass_s(size, bytes_each=bytes_each, tokens=64) * 1000 for size in (SMALL, LARGE))
    measured = f"{speed.flops / 1e12:.2f} TFLOP/s, {speed.bandwidth / 1e9:.0f} GB/s in {dtype}"
    read = [1000 * speed.pass_s(size, bytes_each=bytes_each, tokens=_CONTEXT_TOKENS) for size in (SMALL, LARGE)]
    fills = [one + (_STEPS - 1) * step for one, step in zip(read, (small, large), strict=True)]
    return Finding(
        topic="speed",
        text=f"{device}: {measured}; a step over 64 tokens takes at least {small:.1f} ms with 0.5 B parameters,"
        f" {large:.1f} ms with {_LARGE_NAME}; a gap of 64 in {_CONTEXT_TOKENS:,} tokens, 8 a step, the context read once"
        f" (--context-refresh {_STEPS}), at least {fills[0]:.0f} and {fills[1]:.0f} ms",
    )


def _keys(environ: Mapping[str, str]) -> Iterator[Finding]:
    for kind in ("mercury", "openai"):
        name = KINDS[kind].key_variables[0]
        key = find_key(parse_address(f"{kind}#any"), environ, look_up=lambda *_: None)
        text = f"{kind}: key from {key.origin}" if key else f"{kind}: {name} is not set"
        yield Finding(topic="remote", text=text)


def _load() -> float:
    """The load of the last minute; 0 where the system does not say."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return 0.0


def _memory_bytes() -> int:
    """All memory of the machine; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def models_folder() -> Path:
    """Where published models lie."""
    return cache_folder()
