"""Replicas of a real Ray: killed, added, taken away, replaced. Run by `make test-ray`, for Ray is half a gigabyte."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from lsp_server.serve.fleet import app
from lsp_server.serve.fleet.application import Scale, fillers, prepare_ray, wished
from lsp_server.serve.gate.keys import Limits, add_key
from lsp_server.serve.served import Served
from tests.lsp_server.serve.fleet.fakes import FakeSettings
from tests.lsp_server.serve.test_sockets import listening

prepare_ray()

import ray  # noqa: E402
from ray import serve  # noqa: E402
from ray.serve.schema import ServeDeploySchema  # noqa: E402

from lsp_server.serve.fleet.ray_replicas import desk_of  # noqa: E402

ROOT = Path(__file__).parents[4]
PATIENCE_S = 120.0


@pytest.fixture(scope="module", autouse=True)
def a_ray() -> Iterator[None]:
    ray.init(num_cpus=4, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
    serve.start(proxy_location="Disabled")
    yield
    serve.shutdown()
    ray.shutdown()


@dataclass
class Users:
    """Each asks again as soon as it has its answer. `at`: the latest process that answered a user."""

    url: str
    count: int
    statuses: Counter[int] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    at: dict[int, str] = field(default_factory=dict)
    moves: Counter[int] = field(default_factory=Counter)
    active: int = 0
    moved_at: float = 0.0

    def settled_s(self) -> float:
        """Seconds since a user was last answered by another process than before."""
        return time.monotonic() - self.moved_at

    async def ask_on(self) -> None:
        self.active = self.count
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False, limits=limits) as client:
            await asyncio.gather(*(self._user(client, number) for number in range(self.count)))

    async def _user(self, client: httpx.AsyncClient, number: int) -> None:
        turn = 0
        while number < self.active:
            turn += 1
            body = {"pieces": [f"a = {number} + {turn} + ", "\n"], "user": f"user {number}", "document": "a.py"}
            reply = await client.post(f"{self.url}/v1/fill", json=body)
            self.statuses[reply.status_code] += 1
            if reply.status_code == 200:
                told = reply.json()
                self.models[told["model"]] += 1
                if self.at.get(number, told["device"]) != told["device"]:
                    self.moves[number] += 1
                    self.moved_at = time.monotonic()
                self.at[number] = told["device"]

    def processes(self) -> set[str]:
        return {self.at[number] for number in range(self.active) if number in self.at}


async def until(holds: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  what is waited for is other processes'
            await asyncio.sleep(0.1)
    assert holds(), what


@asynccontextmanager
async def served(settings: FakeSettings, scale: Scale) -> AsyncGenerator[tuple[str, Served], None]:
    """(the URL of a server over the replicas, its state)."""
    handle = await asyncio.to_thread(serve.run, fillers(settings, scale), name="dlm-fill", route_prefix=None)
    state = Served(desk=desk_of(settings, handle))
    async with listening(state) as port:
        yield f"http://127.0.0.1:{port}", state
    await asyncio.to_thread(serve.delete, "dlm-fill")


@asynccontextmanager
async def users_of(url: str, count: int) -> AsyncGenerator[Users, None]:
    users = Users(url, count)
    asking = asyncio.ensure_future(users.ask_on())
    try:
        await until(lambda: len(users.at) == count, "each was answered once")
        yield users
    finally:
        users.active = 0
        await asking


def retries(state: Served) -> float:
    value = state.desk.watch.registry.get_sample_value("dlm_fill_retries_total")
    return value or 0.0


async def test_a_replica_that_is_killed_takes_no_request_along() -> None:
    async with served(FakeSettings(), Scale(replicas=2)) as (url, state), users_of(url, 12) as users:
        await asyncio.sleep(2)
        assert len(users.processes()) == 2
        assert not users.moves.total(), "who asked one replica went on to ask it"
        killed = users.at[0]
        os.kill(int(killed), signal.SIGKILL)
        await until(lambda: killed not in users.processes(), "the killed one's users went to the other")
        assert retries(state) >= 1, "some requests were under way there"
        await until(lambda: len(users.processes()) == 2, "a new replica took its share")
        await until(lambda: users.settled_s() > 3, "each has one replica again")
    assert set(users.statuses) == {200}, "no request was lost"


async def test_replicas_come_with_the_load_and_go_with_it() -> None:
    scale = Scale(replicas=1, most=2, up_s=0.5, down_s=3, look_back_s=2)
    async with served(FakeSettings(), scale) as (url, _), users_of(url, 12) as users:
        await until(lambda: len(users.processes()) == 2, "a second one under load")
        users.active = 1
        await until(lambda: replica_count() == 1, "and one again")
        await asyncio.sleep(1)
    assert set(users.statuses) == {200}


def replica_count() -> int:
    deployments = serve.status().applications["dlm-fill"].deployments
    return sum(deployments["fillers"].replica_states.values())


@pytest.mark.parametrize("replicas", [1, 2])
async def test_new_weights_come_without_an_outage(replicas: int) -> None:
    scale = Scale(replicas=replicas)
    async with served(FakeSettings(model="old"), scale) as (url, state), users_of(url, 6) as users:
        assert set(users.models) == {"old"}
        newer = fillers(FakeSettings(model="new"), scale)
        await asyncio.to_thread(serve.run, newer, name="dlm-fill", route_prefix=None)
        await until(lambda: replica_count() == replicas, "the old ones have gone")
        users.models.clear()
        await until(lambda: users.models["new"] > 20, "the new ones answer")
        assert set(users.models) == {"new"}
    assert set(users.statuses) == {200}
    assert state.desk.info is not None
    assert state.desk.info.name == "new"


async def test_several_models_share_replicas() -> None:
    settings = FakeSettings(model="first", also=(("second", "2"), ("third", "3")), models_at_once=2, fill_s=0.01)
    async with served(settings, Scale(replicas=1)) as (url, _), httpx.AsyncClient(timeout=PATIENCE_S) as client:
        answered = []
        for turn in range(3):  # two are loaded at once: each turn, one is given up
            for name in ("second", "third", "", "unknown"):
                body = {"model": name, "prompt": f"a = {turn} + ", "suffix": "\n"}
                reply = await client.post(f"{url}/v1/completions", json=body)
                assert reply.status_code == 200
                answered.append(reply.headers["x-dlm-fill-model"])
    assert answered == ["2", "3", "first", "first"] * 3


async def test_the_replicas_work_ends_when_the_client_goes() -> None:
    async with served(FakeSettings(fill_s=60.0), Scale(replicas=1)) as (url, state), httpx.AsyncClient() as client:
        await state.desk.load()
        for turn in range(3):  # were one not stopped, those behind it would wait for a minute
            with suppress(httpx.ReadTimeout):
                body = {"pieces": [f"a = {turn} + ", "\n"], "user": "ann", "stream": True}
                async with client.stream("POST", f"{url}/v1/fill", json=body, timeout=5.0) as reply:
                    lines = reply.aiter_lines()
                    assert await anext(lines) == "event: state"
        await until(lambda: state.desk.watch.counts["cancelled"] == 3, "each was cancelled")


def test_on_a_cluster_a_door_asks_for_the_key(tmp_path: Path) -> None:
    token = add_key(tmp_path / "keys.json", "ann", Limits())
    serve.shutdown()
    serve.start(http_options={"host": "127.0.0.1", "port": 18012})
    serve.run(app({"replicas": 1, "keys_file": str(tmp_path / "keys.json")}), name="cluster")
    body: dict[str, Any] = {
        "prompt": "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a ",
        "suffix": "\n",
    }
    with httpx.Client(base_url="http://127.0.0.1:18012", timeout=PATIENCE_S, trust_env=False) as client:
        assert client.post("/v1/completions", json=body).status_code == 401
        client.headers["authorization"] = f"Bearer {token}"
        told = client.post("/v1/completions", json=body)
        assert told.status_code == 200
        assert told.headers["x-dlm-fill-model"] == client.get("/v1/models").json()["data"][0]["id"]
        assert client.get("/", headers={"host": "gpu.example"}).status_code == 200
        streamed = client.post("/v1/fill", json={"pieces": ["a = ", "\n"], "stream": True})
        assert "event: fill" in streamed.text
    serve.delete("cluster")


def test_the_command_serves_replaces_and_ends(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "lsp_server.cli.main",
        "serve",
        "--ray",
        "--port",
        "0",
        "--keys",
        str(tmp_path / "none"),
    ]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environ)
    assert process.stderr is not None
    try:
        line = next(line for line in process.stderr if "dlm-fill serves at " in line)
        url = line.split("dlm-fill serves at ")[1].split()[0]
        with httpx.Client(base_url=url, timeout=PATIENCE_S, trust_env=False) as client:
            assert client.post("/v1/fill", json={"pieces": ["a = [1, ", "]\n"]}).status_code == 200
            process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 10
            while time.monotonic() < end:
                body = {"pieces": [f"a = [{time.monotonic()}, ", "]\n"]}
                assert client.post("/v1/fill", json=body).status_code == 200
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE_S) == 130


def test_the_manifest_is_an_application_that_ray_and_we_understand() -> None:
    manifest = yaml.safe_load((ROOT / "docs" / "serve" / "kuberay.yaml").read_text("utf-8"))
    told = ServeDeploySchema.model_validate(yaml.safe_load(manifest["spec"]["serveConfigV2"]))
    (application,) = told.applications
    assert application.import_path == "lsp_server.serve.fleet:app"
    settings, scale = wished(application.args, {})
    assert (settings.model, scale.replicas, scale.most) == ("builtin", 2, 8)
