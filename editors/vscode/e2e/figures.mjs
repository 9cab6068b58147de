// How fast the extension is in the real editor: `node e2e/figures.mjs [typing] [fill] [start] [install WHEEL]`; the last line is JSON.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { demo, Editor, program, until } from "./editor.mjs";

const KEYS = 450;
const BETWEEN_MS = 250; // slower than the slowest suggestion, so that each belongs to its key
const CODE = `    def cheapest(self, count):
        by_price = sorted(self.items.values(), key=lambda item: item.price)
        return [item.name for item in by_price[:count]]
    def restock(self, name, quantity):
        item = self.items[name]
        item.quantity = max(item.quantity, quantity)
`;

const share = (times, part) => {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)] * 10) / 10;
};
const summary = (times) => ({ count: times.length, p50: share(times, 0.5), p95: share(times, 0.95) });

/** Note, in the page, when keys go down, when ghost text is next there, and whether the key was typed as suggested. */
function watch() {
  window.noted = [];
  const ghost = () => [...document.querySelectorAll(".ghost-text-decoration, .ghost-text")].map((span) => span.textContent).join("").replaceAll("\u00a0", " ");
  let down = 0, before = "", asSuggested = false;
  window.addEventListener("keydown", (event) => {
    before = ghost();
    asSuggested = event.key.length === 1 && before.startsWith(event.key);
    down = performance.now();
  }, true);
  const look = () => {
    const text = ghost();
    if (down > 0 && text !== "" && text !== before) {
      window.noted.push({ ms: performance.now() - down, asSuggested });
      down = 0;
    }
  };
  new MutationObserver(look).observe(document.querySelector(".monaco-workbench"), { subtree: true, childList: true, characterData: true });
}

async function typing() {
  const editor = await Editor.open({ files: { "inventory.py": demo() }, settings: { "editor.autoIndent": "none", "dlm-fill.minConfidence": 0 } });
  try {
    await editor.openFile("inventory.py");
    await editor.status(/ready/);
    await editor.goTo(44, 1);
    await editor.page.keyboard.press("End");
    await editor.page.keyboard.press("Enter");
    await editor.page.evaluate(watch);
    for (const key of CODE.repeat(3).slice(0, KEYS)) {
      await editor.page.keyboard.press(key === "\n" ? "Enter" : key === " " ? "Space" : key);
      await editor.page.waitForTimeout(BETWEEN_MS);
      if (key === "\n") await editor.page.keyboard.press("Escape");
    }
    const noted = await editor.page.evaluate(() => window.noted);
    await editor.page.locator('[id="dlm-fill.dlm-fill.dlm-fill.status"]').hover();
    const hover = editor.page.locator(".monaco-hover", { hasText: "median" }).first();
    await hover.waitFor();
    const median = /\(median (\d+) ms\)/.exec((await hover.innerText()).replaceAll("\u00a0", " "));
    const stats = execFileSync(program, ["stats"], { env: { ...process.env, XDG_STATE_HOME: path.join(editor.home, "state") } }).toString();
    console.log(stats);
    const times = (kind) => summary(noted.filter((one) => kind === undefined || one.asSuggested === kind).map((one) => one.ms));
    return { key_to_ghost_ms: times(), typed_as_suggested_ms: times(true), otherwise_ms: times(false), round_trip_to_server_p50_ms: Number(median?.[1]) };
  } finally {
    await editor.close();
  }
}

async function fill() {
  const editor = await Editor.open({ files: { "inventory.py": demo() } });
  try {
    await editor.openFile("inventory.py");
    await editor.status(/ready/);
    for (let round = 0; round < 20; round++) {
      await editor.selectLines(29 + (round % 4), 3);
      await editor.page.keyboard.press("Control+Alt+f");
      await editor.reviewing(true);
      await editor.page.keyboard.press("Escape");
      await editor.reviewing(false);
      await editor.saved("inventory.py", (text) => text === demo());
    }
    await until(async () => (await editor.logged(/fill of/g)).length >= 20, () => "not all fills were logged");
    const found = await editor.logged(/fill of \d+ gaps: (\d+) ms, (\d+) frames, the first after (\d+) ms/g);
    const column = (index) => summary(found.map((match) => Number(match[index])));
    return { first_frame_ms: column(3), whole_fill_ms: column(1), frames: column(2) };
  } finally {
    await editor.close();
  }
}

/** Proportional set size of the extension host that belongs to `editor`, in MB. */
function hostMegabytes(editor) {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      if (!command.includes("type=extensionHost") || !readFileSync(`/proc/${pid}/environ`, "utf8").includes(editor.home)) continue;
      return Number(/Pss:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) / 1000;
    } catch { /* it has ended meanwhile */ }
  }
  return undefined;
}

async function start() {
  const activations = [], withExtension = [], without = [];
  for (let round = 0; round < 3; round++) {
    const editor = await Editor.open({ files: { "inventory.py": demo() } });
    try {
      await editor.openFile("inventory.py");
      await editor.status(/ready/);
      await editor.command("Developer: Show Running Extensions");
      const row = editor.page.locator(".runtime-extensions-editor .monaco-list-row", { hasText: "dlm-fill" }).first();
      await row.waitFor();
      activations.push(Number(/(\d+)\s*ms/.exec((await row.innerText()).replaceAll("\u00a0", " "))[1]));
      await editor.page.waitForTimeout(3000);
      withExtension.push(hostMegabytes(editor));
      await editor.picture("running-extensions");
    } finally {
      await editor.close();
    }
    const bare = await Editor.open({ files: { "inventory.py": demo() }, extension: false });
    try {
      await bare.openFile("inventory.py");
      await bare.page.waitForTimeout(6000);
      without.push(hostMegabytes(bare));
    } finally {
      await bare.close();
    }
  }
  return { activation_ms: activations, extension_host_mb: withExtension.map(Math.round), without_the_extension_mb: without.map(Math.round) };
}

/** From the click on Install to the first suggestion, the server coming from `wheel` and the rest from the package cache. */
async function install(wheel) {
  const editor = await Editor.open({
    files: { "inventory.py": demo() },
    settings: { "dlm-fill.server.path": "", "dlm-fill.server.package": path.resolve(wheel) },
    environment: { PATH: process.env.PATH.split(":").filter((folder) => !folder.startsWith(path.dirname(program))).join(":") },
  });
  try {
    await editor.openFile("inventory.py");
    await editor.status(/not installed/);
    const started = performance.now();
    await editor.page.locator(".notification-toast .monaco-button", { hasText: "Install" }).first().click();
    await editor.page.locator(".monaco-dialog-box").waitFor();
    await editor.picture("install-consent");
    await editor.page.locator(".monaco-dialog-box .monaco-button", { hasText: "Install" }).first().click();
    await editor.page.waitForTimeout(1500);
    await editor.picture("install-progress");
    const end = Date.now() + 300_000;
    for (;;) {
      try { await editor.status(/ready/); break; } catch (error) { if (Date.now() > end) throw error; }
    }
    const ready = performance.now();
    await editor.goTo(37, 9);
    await editor.page.keyboard.press("Shift+End");
    await editor.page.keyboard.type("item = ");
    await editor.ghost();
    return { ready_s: Math.round((ready - started) / 100) / 10, first_suggestion_s: Math.round((performance.now() - started) / 100) / 10 };
  } finally {
    await editor.close();
  }
}

const asked = process.argv.slice(2);
const wanted = (name) => asked.length === 0 ? name !== "install" : asked.includes(name);
const figures = {};
if (wanted("typing")) figures.typing = await typing();
if (wanted("fill")) figures.fill = await fill();
if (wanted("start")) figures.start = await start();
if (wanted("install")) figures.install = await install(asked[asked.indexOf("install") + 1]);
console.log(JSON.stringify(figures));
