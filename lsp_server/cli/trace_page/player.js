"use strict";
// Plays the history in #data. Text reaches the page through textContent alone; nothing is loaded, nothing sent.
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const state = { fill: 0, step: 1, row: 0, timer: null };
  const SURE_GUESS = 0.3; // less is shown as a mask: a wall of wild guesses tells nothing
  const MASK = "▒", END = "∎", BREAK = "⏎";

  const fill = () => data.fills[state.fill];
  const stops = () => fill().passes.length + 1; // the last one shows what was chosen
  const pass = () => fill().passes[state.step - 1];
  const cellsOf = (hole) => hole.map((number) => fill().cells[number]);
  const percent = (share) => `${Math.round(100 * share)} %`;
  const many = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

  function make(tag, options = {}, ...children) {
    const { dataset, style, attributes, ...properties } = options;
    const element = Object.assign(document.createElement(tag), properties);
    Object.entries(style ?? {}).forEach(([name, value]) => element.style.setProperty(name, value));
    Object.entries(attributes ?? {}).forEach(([name, value]) => element.setAttribute(name, value));
    element.append(...children);
    return element;
  }

  // What a cell shows: its text, a mask where nothing likely stands, and signs for what cannot be seen.
  function drawn([text, confidence, kind]) {
    if (kind === "inserted" || (kind === "open" && confidence < SURE_GUESS)) return MASK;
    return text === "" ? END : text.replaceAll("\n", BREAK);
  }

  function described([text, confidence, kind, guesses]) {
    const best = guesses.map(([guess, share]) => `${JSON.stringify(guess)} ${percent(share)}`).join(", ");
    return `${JSON.stringify(text)} ${kind} ${percent(confidence)}${best ? `; guesses: ${best}` : ""}`;
  }

  function cell(token) {
    const [, confidence, kind] = token;
    return make("span", {
      className: `cell ${kind}${drawn(token) === END ? " end" : ""}`, title: described(token),
      style: { "--c": String(confidence) },
    }, drawn(token));
  }

  // Lines of code, numbered; text and cells are added one after another, line breaks open the next line.
  function sheet(target, firstLine) {
    let number = firstLine, line = null;
    target.replaceChildren();
    const open = () => {
      line = make("div", { className: "text" });
      target.append(make("div", { className: "row" },
        make("span", { className: "number", attributes: { "aria-hidden": "true" } }, String(number++)), line));
    };
    open();
    const mark = () => line.parentElement.classList.add("inside");
    return {
      text(value, className) {
        value.split("\n").forEach((part, at) => {
          if (at) open();
          if (className) mark();
          if (part) line.append(className ? make("span", { className }, part) : part);
        });
      },
      cell(token) {
        line.append(cell(token));
        mark();
        const [text, confidence, kind] = token;
        const shown = kind !== "deleted" && kind !== "inserted" && !(kind === "open" && confidence < SURE_GUESS);
        for (let n = shown ? text.split("\n").length - 1 : 0; n > 0; n--) { open(); mark(); }
      },
    };
  }

  function drawCode() {
    const { pieces, firstLine, result } = fill();
    const lines = sheet($("code"), firstLine);
    const row = pass()?.rows[state.row];
    pieces.forEach((piece, at) => {
      lines.text(piece);
      if (at === pieces.length - 1) return;
      if (row) cellsOf(row.holes[at]).forEach((token) => lines.cell(token));
      else lines.text(result ? result[at] : "(nothing)", "fresh");
    });
    const inside = $("code").querySelector(".inside"), box = $("code");
    if (inside && (inside.offsetTop < box.scrollTop || inside.offsetTop > box.scrollTop + box.clientHeight * 0.8)) {
      box.scrollTop = inside.offsetTop - box.clientHeight / 3;
    }
  }

  function drawRows() {
    const rows = pass()?.rows ?? [];
    $("rows").replaceChildren(...(rows.length < 2 ? [] : rows.map((row, at) => make("button", {
      type: "button", onclick: () => { state.row = at; draw(); }, attributes: { "aria-pressed": String(at === state.row) },
    }, row.label))));
    $("others").hidden = rows.length < 2;
    $("batch").replaceChildren(...rows.flatMap((row) => [
      make("div", { className: "label" }, row.label),
      make("div", { className: "line" }, ...row.holes.flatMap((hole, at) => [...(at ? [" ⋯ "] : []), ...cellsOf(hole).map(cell)])),
    ]));
  }

  function count(kind) {
    return pass().rows[state.row].holes.flatMap(cellsOf).filter((token) => token[2] === kind).length;
  }

  function said() {
    const one = fill(), now = pass();
    if (!now) {
      return one.result ? `Result: filled with confidence ${percent(one.confidence)}.` : `Result: not filled: ${one.reason}.`;
    }
    const head = `Forward pass ${state.step} of ${one.passes.length}, ${now.ms.toFixed(1)} ms`;
    if (now.kind === "write") return `${head}: ${many(now.rows.length, "text")} written on from left to right, by one token each; the best go on.`;
    if (now.kind === "score") return `${head}: ${many(now.rows.length, "text")} scored from left to right, all tokens at once.`;
    const changes = [["committed", "committed"], ["open", "still open"], ["reopened", "opened again"],
      ["inserted", "inserted"], ["deleted", "deleted"]]
      .map(([kind, words]) => [count(kind), words]).filter(([number]) => number).map(([number, words]) => `${number} ${words}`);
    return `${head}: ${now.rows[state.row].label}: ${changes.join(", ") || "decided already"}.`;
  }

  function table(target, heads, rows) {
    const line = (tag, cells) => cells.map(([text, className]) => make(tag, { className: className ?? "" }, text));
    target.replaceChildren(
      make("thead", {}, make("tr", {}, ...line("th", heads).map((th) => (th.scope = "col", th)))),
      make("tbody", {}, ...rows.map(({ cells, best }) => make("tr", { className: best ? "best" : "" }, ...line("td", cells)))));
  }

  function drawRanking() {
    const { ranking, drafts } = fill(), last = !pass();
    const origin = { model: "model", draft: "copy" }, reads = { true: "yes", false: "no", null: "not looked" };
    $("chosen").hidden = !last;
    $("chosen-note").textContent = ranking.length
      ? "Score: utility in nats per token; only differences mean something. What reaches the file is tidied: what doubles its surroundings is cut off."
      : "Nothing acceptable was found.";
    table($("ranking"), [["#", "number"], ["fill"], ["from"], ["score", "number"], ["confidence", "number"], ["parses"], ["made up of"]],
      ranking.map((one, at) => ({ best: at === 0, cells: [
        [String(at + 1), "number"], [one.texts.join("\n⋯\n"), "text"], [origin[one.origin]], [one.score.toFixed(2), "number"],
        [percent(one.confidence), "number"], [reads[String(one.parses)]],
        [one.parts.map(([name, value]) => `${name.replaceAll("_", " ")} ${value.toFixed(2)}`).join(", "), "parts"]] })));
    $("found").hidden = !drafts.length;
    table($("drafts"), [["draft"], ["score", "number"], ["confidence", "number"], ["characters alike before", "number"], ["after", "number"]],
      drafts.map((one) => ({ cells: [[one.texts.join("\n⋯\n"), "text"], [one.score.toFixed(2), "number"],
        [percent(one.confidence), "number"], [String(one.matched[0]), "number"], [String(one.matched[1]), "number"]] })));
  }

  function drawTokens() {
    const holes = pass()?.rows[state.row]?.holes ?? [];
    const tokens = holes.flatMap((hole, at) => cellsOf(hole).map((token) => [at, token]));
    table($("tokens"), [["position", "number"], ["hole", "number"], ["token"], ["id", "number"], ["state"], ["confidence", "number"], ["guesses"]],
      tokens.map(([hole, token], at) => ({ cells: [[String(at), "number"], [String(hole + 1), "number"],
        [token[0] === "" ? "(end)" : JSON.stringify(token[0]), "text"], [String(token[4]), "number"], [token[2]],
        [percent(token[1]), "number"], [token[3].map(([guess, share]) => `${JSON.stringify(guess)} ${percent(share)}`).join("  "), "text"]] })));
  }

  function drawBars() {
    const { passes } = fill(), longest = Math.max(...passes.map((one) => one.ms), 1e-9);
    $("bars").replaceChildren(...passes.map((one, at) => make("button", {
      type: "button", tabIndex: -1, title: `${at + 1}: ${one.kind}, ${one.ms.toFixed(1)} ms`, className: one.kind,
      style: { height: `${Math.max(8, 100 * one.ms / longest)}%` }, onclick: () => go(at + 1),
    })));
  }

  function drawFill() {
    const one = fill(), { ms } = one;
    const where = one.ranges.map(({ start, end }) => start[0] === end[0] ? `${start[0]}` : `${start[0]}–${end[0]}`).join(", ");
    const network = one.passes.reduce((sum, each) => sum + each.ms, 0);
    const facts = [
      [`${one.file}:${where}`, ""], [data.model, `model, on ${data.device}`],
      [String(one.forwardPasses), one.forwardPasses === 1 ? "forward pass" : "forward passes"], [String(one.tokens), "tokens decided"],
      [`${ms.prefill.toFixed(0)} ms`, "reading the context"], [`${ms.denoise.toFixed(0)} ms`, `denoising, ${network.toFixed(0)} of them in the network`],
      ...(one.stopped === "done" ? [] : [[one.stopped, "stopped it"]]),
    ];
    $("about").replaceChildren(...facts.map(([value, words]) => make("span", {}, make("b", {}, value), words ? ` ${words}` : "")));
    $("slider").max = String(stops());
    drawBars();
  }

  function draw() {
    state.step = Math.min(Math.max(1, state.step), stops());
    state.row = Math.min(state.row, Math.max(0, (pass()?.rows.length ?? 1) - 1));
    $("slider").value = String(state.step);
    $("slider").setAttribute("aria-valuetext", pass() ? `forward pass ${state.step}` : "result");
    [...$("bars").children].forEach((bar, at) => bar.classList.toggle("now", at === state.step - 1));
    $("first").disabled = $("back").disabled = state.step === 1;
    $("last").disabled = $("on").disabled = state.step === stops();
    drawRows(); drawCode(); drawRanking(); drawTokens();
    $("said").textContent = said();
    const hash = `#step=${pass() ? state.step : "end"}` + (state.fill ? `&fill=${state.fill + 1}` : "") + (state.row ? `&row=${state.row + 1}` : "");
    try { history.replaceState(null, "", hash); } catch { /* some browsers keep local pages from it */ }
  }

  function go(step) {
    state.step = step;
    draw();
  }

  function pause() {
    clearTimeout(state.timer);
    state.timer = null;
    $("play").textContent = "Play";
  }

  function later() {
    const pace = Number($("pace").value);
    state.timer = setTimeout(() => {
      go(state.step + 1);
      if (state.step < stops()) later(); else pause();
    }, pace || pass()?.ms || 0);
  }

  function toggle() {
    if (state.timer !== null) { pause(); return; }
    if (state.step === stops()) go(1);
    $("play").textContent = "Pause";
    later();
  }

  function fromHash() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    state.fill = Math.min(Math.max(0, (Number(wanted.get("fill")) || 1) - 1), data.fills.length - 1);
    state.row = Math.max(0, (Number(wanted.get("row")) || 1) - 1);
    state.step = wanted.get("step") === "end" ? stops() : Number(wanted.get("step")) || 1;
    $("fill").value = String(state.fill);
    drawFill();
    draw();
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || ["SELECT", "INPUT"].includes(event.target.tagName)) return;
    if (event.key === " " && ["BUTTON", "SUMMARY"].includes(event.target.tagName)) return; // it presses that
    const steps = { ArrowLeft: () => state.step - 1, ArrowRight: () => state.step + 1, Home: () => 1, End: stops };
    if (event.key in steps) { pause(); go(steps[event.key]()); }
    else if (event.key === " ") toggle();
    else return;
    event.preventDefault();
  }

  $("fill").replaceChildren(...data.fills.map((one, at) => make("option", { value: String(at) }, one.file)));
  $("fills").hidden = data.fills.length < 2;
  $("fill").addEventListener("change", () => { pause(); state.fill = Number($("fill").value); state.step = 1; drawFill(); draw(); });
  $("slider").addEventListener("input", () => { pause(); go(Number($("slider").value)); });
  $("first").addEventListener("click", () => { pause(); go(1); });
  $("back").addEventListener("click", () => { pause(); go(state.step - 1); });
  $("on").addEventListener("click", () => { pause(); go(state.step + 1); });
  $("last").addEventListener("click", () => { pause(); go(stops()); });
  $("play").addEventListener("click", toggle);
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", fromHash);
  fromHash();
})();
