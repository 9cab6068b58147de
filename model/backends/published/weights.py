"""A published checkpoint's tensors, put into a network one at a time: never two copies, never a pickle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from model.backends.published.config_file import read_json
from model.backends.published.families.family import Family, TensorTarget, into
from model.errors import UnknownDevice, UnknownModel

INDEX = "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_AGAIN = "download the checkpoint again"
_IGNORED = re.compile(r"rotary_emb\.inv_freq\Z")
"""Computed anew here: what was saved of it may be garbage."""


@dataclass(frozen=True, kw_only=True)
class ParameterRows:
    """Rows `start` to `stop` of a parameter, or of its expert."""

    parameter: str
    expert: int | None
    start: int
    stop: int


def weight_files(directory: Path) -> list[Path]:
    """The safetensors files of the checkpoint. Raises UnknownModel: none, one missing, or pickles only."""
    index = directory / INDEX
    if index.exists():
        listed = read_json(index).get("weight_map")
        if not isinstance(listed, dict) or not listed:
            raise UnknownModel(f"{index} names no weights: {_AGAIN}")
        names = sorted({str(name) for name in listed.values()})
        for name in names:
            if Path(name).name != name or not name.endswith(".safetensors"):
                raise UnknownModel(f"{index} names {name!r}, which is no safetensors file beside it: {_AGAIN}")
            if not (directory / name).is_file():
                raise UnknownModel(f"{directory} lacks {name}, which {INDEX} names: {_AGAIN}")
        return [directory / name for name in names]
    for pattern in ("model.safetensors", "model-*.safetensors", "*.safetensors"):
        if files := sorted(directory.glob(pattern)):
            return files
    pickles = sorted(path.name for pattern in PICKLES for path in directory.glob(pattern))
    if pickles:
        raise UnknownModel(
            f"{directory} has its weights as pickles only ({pickles[0]}), which can run code when they are opened:"
            " take a revision that has model.safetensors, or convert them on a machine that you can spare"
        )
    raise UnknownModel(f"no weights (*.safetensors) in {directory}: {_AGAIN}")


def load_weights(
    network: nn.Module, family: Family, directory: Path, *, device: torch.device, dtype: torch.dtype
) -> None:
    """Fill `network`, which is on the meta device, from the files in `directory`; tensors go straight to the device.

    Raises UnknownModel, naming the file: missing, truncated, a tensor missing, unknown or of another shape.
    """
    files = weight_files(directory)
    plan = _plan(network, family)
    seen: set[str] = set()
    for path in files:
        for name, tensor in _tensors(path, device, dtype):
            if name in plan:
                _put(network, plan[name], name, tensor, path)
                seen.add(name)
            elif not _is_spare(name, tensor, family):
                raise UnknownModel(f"{path} holds {name}, which config.json leaves no place for: {_AGAIN}")
    missing = [name for name in plan if name not in seen]
    if missing:
        what = missing[0] if len(missing) == 1 else f"{len(missing)} tensors, first {missing[0]}"
        where = files[0] if len(files) == 1 else directory / INDEX
        raise UnknownModel(f"{where} lacks {what}, which config.json speaks of: {_AGAIN}")


def _is_spare(name: str, tensor: Tensor, family: Family) -> bool:
    """Whether nothing is lost without it: a copy of tied embeddings, old frequencies, a layer of width 0."""
    tied = family.config.tied_embeddings and family.names.get(name.removesuffix(".weight")) == into("head")
    return tied or not tensor.numel() or _IGNORED.search(name) is not None


def _tensors(path: Path, device: torch.device, dtype: torch.dtype) -> Iterator[tuple[str, Tensor]]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            for name in file.keys():  # noqa: SIM118 - it is no dictionary
                tensor = file.get_tensor(name)
                if not tensor.is_floating_point() or tensor.element_size() < 2:
                    raise UnknownModel(
                        f"{path} holds {name} as {str(tensor.dtype).removeprefix('torch.')}:"
                        " quantised checkpoints are not read; take the one in bfloat16"
                    )
                yield name, tensor.to(device=device, dtype=dtype)
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UnknownModel(f"{path} is truncated or damaged ({reason}): {_AGAIN}") from error


def _plan(network: nn.Module, family: Family) -> dict[str, list[ParameterRows]]:
    """For every tensor that the files must hold, where it goes. Every parameter is covered once."""
    shapes = {name: tuple(p.shape) for name, p in network.named_parameters()}
    c = family.config
    plan: dict[str, list[ParameterRows]] = {}
    for template, target in family.names.items():
        for n in range(c.layers) if "{n}" in template else (0,):
            for e in range(c.experts.count) if "{e}" in template and c.experts else (None,):
                for suffix in ("",) if target.exact else (".weight", ".bias"):
                    places = _places(target, shapes, n=n, e=e, suffix=suffix)
                    if places:
                        plan[template.format(n=n, e=e) + suffix] = places
    covered = {place.parameter for places in plan.values() for place in places}
    assert covered == shapes.keys(), f"{family.title}: no name for {sorted(shapes.keys() - covered)[:3]}"
    return plan


def _places(
    target: TensorTarget, shapes: dict[str, tuple[int, ...]], *, n: int, e: int | None, suffix: str
) -> list[ParameterRows] | None:
    """Where a tensor goes; None if this network has no such parameter."""
    places = []
    for name in (p.format(n=n) + suffix for p in target.parameters):
        if name not in shapes:
            return None
        rows = shapes[name][0 if e is None else 1]
        half = 0 if target.half is None else rows // 2 * target.half
        places.append(
            ParameterRows(parameter=name, expert=e, start=half, stop=rows if target.half is None else half + rows // 2)
        )
    return places


def _put(network: nn.Module, places: list[ParameterRows], name: str, tensor: Tensor, path: Path) -> None:
    parameters = [network.get_parameter(place.parameter) for place in places]
    rest = parameters[0].shape[1 if places[0].expert is None else 2 :]
    wanted = (sum(place.stop - place.start for place in places), *rest)
    if tuple(tensor.shape) != wanted:
        raise UnknownModel(
            f"{path} holds {name} of shape {list(tensor.shape)}, config.json asks for {list(wanted)}: {_AGAIN}"
        )
    used = 0
    for place, parameter in zip(places, parameters, strict=True):
        part = tensor[used : used + place.stop - place.start]
        used += place.stop - place.start
        if place.expert is None:
            _assign(network, place.parameter, part)
            continue
        if parameter.is_meta:
            _assign(network, place.parameter, torch.empty(parameter.shape, dtype=tensor.dtype, device=tensor.device))
        with torch.no_grad():
            network.get_parameter(place.parameter)[place.expert, place.start : place.stop] = part


def _assign(network: nn.Module, name: str, value: Tensor) -> None:
    owner, _, last = name.rpartition(".")
    network.get_submodule(owner).register_parameter(last, nn.Parameter(value, requires_grad=False))


DTYPES = MappingProxyType({"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16})


def fastest_dtype(device: torch.device, *, parameters: float, width: int, inner: int) -> torch.dtype:
    """What a network of so many parameters, of which the largest matrices are [inner, width], computes fastest in.

    On a GPU bfloat16; on a CPU whichever is measured to be faster, and float32 for what is small.
    """
    from model.backends.published import number_format as probe

    if device.type != "cpu" or parameters < probe.LEAST_PARAMETERS:
        return choose_dtype("auto", device)
    return DTYPES[probe.measured(width, inner).dtype]


def choose_device(name: str) -> torch.device:
    """`auto` is the first of cuda, mps and cpu that this machine has. Raises UnknownDevice."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, there in present.items() if there))
    if name not in present:
        raise UnknownDevice(f"unknown device {name!r}: choose auto, cpu, cuda or mps")
    if not present[name]:
        raise UnknownDevice(f"no {name} device here: choose --device cpu, or auto")
    return torch.device(name)


def choose_dtype(name: str | torch.dtype, device: torch.device) -> torch.dtype:
    """`auto`: bfloat16 on a GPU, float32 on a CPU. Raises UnknownModel for what no network here runs in."""
    if isinstance(name, torch.dtype):
        name = str(name).removeprefix("torch.")
    if name == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    if name not in DTYPES:
        raise UnknownModel(f"unknown number format {name!r}: choose auto, {', '.join(DTYPES)}")
    return DTYPES[name]
