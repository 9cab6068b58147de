"use strict";
// The page of `dlm-fill serve`: asks POST /v1/fill for a stream and shows each denoising state; shows GET /v1/state.
const $ = (id) => document.getElementById(id);
let key = sessionStorage.getItem("key") || "";
let running = null;

const headers = () => (key ? { authorization: `Bearer ${key}` } : {});

function locked(show, message = "") {
  $("unlock").hidden = !show;
  $("state").hidden = show;
  $("wrong").textContent = message;
}

// Only Python's, shell's and other hash languages would take ___ for code; here it is where a hole stands.
const gapsOf = (text) => text.split("___");

function show(pieces, holes) {
  const result = $("result");
  result.replaceChildren(pieces[0]);
  holes.forEach((hole, n) => {
    for (const token of hole) {
      const mark = document.createElement("mark");
      mark.textContent = token.open && !token.text.trim() ? "·" : token.text;
      if (token.open) mark.className = "open";
      mark.title = `${Math.round(100 * token.confidence)} %`;
      result.append(mark);
    }
    result.append(pieces[n + 1]);
  });
}

function fail(message) {
  const said = document.createElement("span");
  said.className = "wrong";
  said.textContent = message;
  $("result").replaceChildren(said);
  $("progress").textContent = "";
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    waiting += value;
    const parts = waiting.split("\n\n");
    waiting = parts.pop();
    for (const part of parts) {
      const [, name, data] = /^event: (.*)\ndata: ([^]*)$/.exec(part) || [];
      if (name) yield [name, JSON.parse(data)];
    }
  }
}

async function fill() {
  running?.abort();
  const own = (running = new AbortController());
  const pieces = gapsOf($("code").value);
  if (pieces.length < 2) return fail("Put ___ where something is missing.");
  $("stop").disabled = false;
  $("progress").textContent = "waiting …";
  let states = 0;
  try {
    const body = JSON.stringify({ version: 1, pieces, file: $("file").value, document: "playground", stream: true });
    const request = { method: "POST", headers: { ...headers(), "content-type": "application/json" }, body, signal: own.signal };
    const response = await fetch("/v1/fill", request);
    if (!response.ok) {
      if (response.status === 401) locked(true, key ? "This key is not known." : "");
      return fail((await response.json()).error.message);
    }
    for await (const [name, data] of events(response)) {
      if (name === "state") {
        states += 1;
        if (states === 1) state();
        show(pieces, data.holes);
        $("progress").textContent = `step ${data.step}, ${data.forward_passes} passes`;
      } else if (name === "fill" && data.candidates.length) {
        const best = data.candidates[0];
        const holes = best.texts.map((text, n) => [{ text, open: false, confidence: best.confidences[n] }]);
        show(pieces, holes);
        const sure = `confidence ${best.confidence.toFixed(2)}`;
        $("progress").textContent = `${Math.round(data.ms.total)} ms, ${data.forward_passes} passes, ${states} states, ${sure}`;
      } else if (name === "fill") {
        fail(data.reason);
      } else {
        fail(data.error.message);
      }
    }
  } catch (error) {
    if (error.name === "AbortError") $("progress").textContent = "stopped";
    else fail("The server is not there: start it again, then fill.");
  } finally {
    if (running === own) $("stop").disabled = true;
    document.body.dataset.filled = String(Number(document.body.dataset.filled || 0) + 1);
    state();
  }
}

function list(id, pairs) {
  $(id).replaceChildren(
    ...pairs.flatMap(([name, value]) => {
      const term = document.createElement("dt");
      const said = document.createElement("dd");
      term.textContent = name;
      said.textContent = value;
      return [term, said];
    }),
  );
}

const ms = (value) => (value === null ? "–" : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`);

function span(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

async function state() {
  try {
    const response = await fetch("/v1/state", { headers: headers() });
    if (response.status === 401) {
      $("model").textContent = "locked";
      return locked(true, key ? "This key is not known." : "");
    }
    locked(false);
    const now = await response.json();
    const asks = Object.values(now.asks).reduce((sum, count) => sum + count, 0);
    $("model").textContent = now.status === "ready" ? `${now.model} on ${now.sent_to || now.device}` : now.message || now.status;
    const hits = asks ? `${Math.round((100 * now.asks.cached) / asks)} %` : "–";
    list("numbers", [
      ["requests for fills", asks],
      ["waiting", now.queued],
      ["being filled", now.filling],
      ["p50", ms(now.p50_ms)],
      ["p95", ms(now.p95_ms)],
      ["answers at hand", hits],
      ["kept answers", now.kept_answers ?? "at replicas"],
      ["context", `${now.context_tokens} tokens`],
      ["up", span(now.up_s)],
    ]);
    list("asks", Object.entries(now.asks).filter(([, count]) => count));
  } catch {
    $("model").textContent = "the server is away";
  }
}

$("fill").addEventListener("click", fill);
$("stop").addEventListener("click", () => running?.abort());
$("code").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) fill();
});
$("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  key = $("key").value;
  sessionStorage.setItem("key", key);
  state();
});
if (document.body.dataset.locked === "yes" && !key) locked(true);
state();
setInterval(state, 2000);
if (location.hash === "#fill") fill();
