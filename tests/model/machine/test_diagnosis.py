from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lsp_server.cli.main import run
from model.backends.published.number_format import Measured
from model.machine.diagnosis import diagnose
from model.machine.finding import Finding
from model.machine.speed import Speed, rate

FULL = {"torch": "2.9+cpu", "transformers": "5.0", "huggingface_hub": "2.4", "keyring": "25"}


def told(versions: dict[str, str], environ: dict[str, str] | None = None, load: float = 0.0) -> list[Finding]:
    speed = Speed(flops=1e12, bandwidth=1e10)
    probed = {"a cpu, 8 x 4": Measured(float32_ms=10, bfloat16_ms=4)}
    return list(
        diagnose(
            version=versions.get,
            environ=environ or {},
            measure=lambda: speed,
            load=lambda: load,
            probed=lambda: probed,
        )
    )


def lines(findings: list[Finding]) -> str:
    return "\n".join(f"{f.topic}: {f.text} -> {f.remedy}" for f in findings)


def test_without_torch_all_else_is_told() -> None:
    text = lines(told({}))
    assert "no torch, which runs published models, and uses GPUs -> to have it: pip install 'dlm-fill[torch]'" in text
    assert "cpu: float32" in text
    assert "number format: bfloat16 (a cpu, 8 x 4: 10.00 ms in float32, 4.00 in bfloat16)" in text


def test_what_the_builtin_model_would_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.backends.builtin.runtime.compiled.library", lambda: None)
    slow = "built-in model: runs on the CPU by NumPy, not compiled -> many times faster: install a C compiler"
    assert slow in lines(told({}))
    monkeypatch.setattr("model.backends.builtin.runtime.compiled.library", lambda: "there")
    monkeypatch.setattr("model.backends.builtin.runtime.compiled.variant", lambda _: "avx2")
    assert "built-in model: runs on the CPU, compiled for avx2 -> \n" in lines(told({}))


def test_nothing_is_remarked_where_nothing_lacks_but_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.backends.builtin.runtime.compiled.library", lambda: "there")
    monkeypatch.setattr("model.backends.builtin.runtime.compiled.variant", lambda _: "avx2")
    assert [f.topic for f in told(FULL) if f.remedy] == ["device"]


def test_a_step_takes_what_reading_or_multiplying_takes() -> None:
    speed = Speed(flops=1e12, bandwidth=1e10)
    assert speed.pass_s(1e9, bytes_each=2, tokens=1) == pytest.approx(0.2), "2 GB at 10 GB/s"
    assert speed.pass_s(1e9, bytes_each=2, tokens=1000) == pytest.approx(2.0), "2 TFLOP at 1 TFLOP/s"
    assert "at least 200.0 ms with 0.5 B parameters, 3040.0 ms with 7B" in lines(told(FULL))


def test_gpus_are_measured_and_a_full_one_is_told() -> None:
    speed = Speed(flops=1e15, bandwidth=5e12)

    def measured(device: str) -> Speed:
        if device == "cuda:1":
            raise RuntimeError("CUDA out of memory")
        return speed

    gpus = [("cuda:0", "H200", 140 * 10**9), ("cuda:1", "H200", 140 * 10**9)]
    text = lines(
        list(
            diagnose(
                version=FULL.get,
                environ={},
                measure=lambda: speed,
                measure_gpu=measured,
                find_gpus=lambda _: gpus,
                probed=dict,
            )
        )
    )
    assert "cuda:0: H200, 140 GB, bfloat16; published models of up to 26.0 B parameters fit" in text
    assert "cuda:0 (H200): 1000.00 TFLOP/s, 5000 GB/s in bfloat16; a step over 64 tokens takes at least 0.2 ms" in text
    assert (
        "a gap of 64 in 2,048 tokens, 8 a step, the context read once (--context-refresh 8), at least 3 and 52 ms"
        in text
    )
    assert "cuda:1: cannot be measured -> end what else uses it" in text


def test_figures_of_a_busy_machine_say_so() -> None:
    assert "measure again when the machine is idle" in lines(told(FULL, load=10_000))


def test_the_fastest_repetition_counts() -> None:
    times = iter([0.0, 0.0, 0.0, 0.2, 0.2, 0.2, 0.3, 0.9])
    assert rate(lambda: None, 3.0, now=lambda: next(times)) == pytest.approx(3.0 / 0.1)


def test_keys_are_named_and_not_shown() -> None:
    text = lines(told(FULL, {"MERCURY_API_KEY": "very-secret"}))
    assert "mercury: key from MERCURY_API_KEY" in text
    assert "openai: OPENAI_API_KEY is not set" in text
    assert "very-secret" not in text


def test_the_command_exits_with_0_and_imports_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from model.machine import diagnosis; from lsp_server.cli import main as cli;"
        "diagnosis.version_of.__code__ = (lambda package: None).__code__;"
        "sys.exit(cli.run(['doctor', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    topics = {finding["topic"] for finding in json.loads(done.stdout)}
    assert topics - {"number format"} == {  # that is there once a published model has been opened on this machine
        "machine",
        "library",
        "built-in model",
        "model speed",
        "device",
        "speed",
        "remote",
        "languages",
        "models",
        "counts",
    }


def test_remedies_are_marked_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    marked = out.count("\n                -> ")
    assert out.splitlines()[-1] == (f"{marked} remarks, marked by ->" if marked else "nothing is lacking")
    assert "python" in next(line for line in out.splitlines() if line.startswith("languages"))
