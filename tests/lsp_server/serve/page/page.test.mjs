// The page of `dlm-fill serve` in Chromium: a gap is seen filling, the state is told, a key is asked for.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { artefacts, chromium, root, until } from "../../../../editors/vscode/e2e/setup.mjs";

const python = process.env.DLM_FILL_PYTHON ?? path.join(root, ".venv/bin/python");
const KEY = "a-key-of-more-than-16-characters";
const FILLED = ["self.items.get(name, 0) - count", "self.items.get(name, 0)"];
let browser;
const processes = [];

/** The URL of a server over a fake model. */
async function served(...args) {
  const child = spawn(python, ["-m", "tests.lsp_server.serve.page.server", ...args], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  processes.push(child);
  const [line] = await once(child.stdout, "data");
  return String(line).trim();
}

/** A page on it; `troubles` are errors that the browser met, among them what the page's own policy forbids. */
async function opened(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1180, height: 860 }, ...options });
  const page = await context.newPage();
  page.troubles = [];
  page.on("pageerror", (error) => page.troubles.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.troubles.push(message.text()));
  await page.goto(url);
  return page;
}

/** What the result looked like, each time that it changed: how many tokens are open, how many are not, its text. */
const watched = (page) =>
  page.evaluate(() => {
    const result = document.getElementById("result");
    window.seen = [];
    new MutationObserver(() => {
      const marks = [...result.querySelectorAll("mark")];
      const open = marks.filter((mark) => mark.classList.contains("open")).length;
      window.seen.push({ open, done: marks.length - open, text: result.textContent });
    }).observe(result, { childList: true });
  });

const picture = async (page, name) => {
  mkdirSync(artefacts, { recursive: true });
  await page.screenshot({ path: path.join(artefacts, `serve-${name}.png`), fullPage: true });
};

const number = async (page, name) => {
  const shown = await page.locator("dl#numbers, dl#asks").evaluateAll((lists) =>
    Object.fromEntries(lists.flatMap((list) => [...list.querySelectorAll("dt")].map((dt) => [dt.textContent, dt.nextElementSibling.textContent]))),
  );
  return shown[name];
};

before(async () => {
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
});
after(async () => {
  await browser?.close();
  processes.forEach((child) => child.kill());
});

for (const colorScheme of ["light", "dark"]) {
  test(`gaps are seen filling, and the state is told, in ${colorScheme}`, async () => {
    const page = await opened(await served(), { colorScheme });
    await watched(page);
    await page.click("#fill");
    await page.locator("#result mark.open").first().waitFor();
    await until(async () => (await page.locator("#result mark:not(.open)").count()) >= 4, () => "no token was decided");
    await picture(page, `filling-${colorScheme}`);
    await page.locator("body[data-filled='1']").waitFor();
    const seen = await page.evaluate(() => window.seen);
    const open = seen.map((state) => state.open);
    assert.ok(new Set(open).size >= 5, `states that were seen: ${open}`);
    const [first, ...steps] = open; // the first state comes before anything is read: how many tokens it takes is a guess then
    assert.ok(first > 0 && seen[0].done === 0, "masks stand in the gaps at once");
    assert.deepEqual(steps, steps.toSorted((a, b) => b - a), "fewer are open from step to step");
    assert.equal(open.at(-1), 0);
    const result = await page.locator("#result").textContent();
    assert.equal(result, (await page.inputValue("#code")).replace("___", FILLED[0]).replace("___", FILLED[1]));
    assert.match(await page.textContent("#progress"), /^\d+ ms, 12 passes, \d+ states, confidence 0\.90$/);

    await until(async () => (await number(page, "requests for fills")) === "1", () => "the state was not told");
    assert.equal(await page.textContent("#model"), "fake on cpu");
    assert.equal(await number(page, "done"), "1");
    assert.match(await number(page, "p50"), /^\d+ ms$/);
    assert.match(await number(page, "p95"), /^\d+ ms$/);
    await page.click("#fill"); // the same again is at hand
    await until(async () => (await number(page, "answers at hand")) === "50 %", () => "no cache hit was told");
    await picture(page, `filled-${colorScheme}`);
    assert.deepEqual(await page.evaluate(tooFaint), [], "text that is hard to read");
    assert.deepEqual(page.troubles, []);
    await page.context().close();
  });
}

test("the fill can be stopped, and what is wrong is said", async () => {
  const page = await opened(await served());
  await page.click("#fill");
  await page.locator("#result mark").first().waitFor();
  await page.click("#stop");
  await until(async () => (await page.textContent("#progress")) === "stopped", () => "it was not stopped");
  await until(async () => (await number(page, "cancelled")) === "1", () => "the server went on");
  await page.fill("#code", "no gap\n");
  await page.click("#fill");
  assert.equal(await page.textContent("#result"), "Put ___ where something is missing.");
  await page.fill("#code", "x = ___\n");
  await page.fill("#file", ".env");
  await page.press("#code", "Control+Enter");
  await page.locator("#result .wrong").waitFor();
  await until(async () => /\.env/.test(await page.textContent("#result")), () => "it was not said that secrets are not filled");
  assert.equal(await page.textContent("#progress"), "");
  await page.context().close();
});

test("with keys on the page asks for one", async () => {
  const page = await opened(await served(KEY));
  await page.locator("#unlock").waitFor();
  assert.equal(await page.textContent("#model"), "locked");
  await picture(page, "locked");
  await page.fill("#key", "a-wrong-key-of-some-length");
  await page.click("#unlock button");
  await until(async () => /not known/.test(await page.textContent("#wrong")), () => "a wrong key was not said to be wrong");
  await page.fill("#key", KEY);
  await page.press("#key", "Enter");
  await page.locator("#unlock").waitFor({ state: "hidden" });
  await until(async () => (await page.textContent("#model")) === "fake on cpu", () => "the key opened nothing");
  await page.click("#fill");
  await page.locator("body[data-filled='1']").waitFor();
  assert.ok((await page.textContent("#result")).includes(FILLED[0]));
  assert.ok(!page.url().includes(KEY));
  await page.reload(); // it is remembered while the tab is open
  await until(async () => (await page.textContent("#model")) === "fake on cpu", () => "the key was forgotten");
  await page.context().close();
});

test("on a narrow screen nothing is cut off, and keys alone are enough", async () => {
  const page = await opened(await served(), { viewport: { width: 380, height: 800 } });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), "it scrolls sideways");
  await page.focus("#file");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("body[data-filled='1']").waitFor();
  await picture(page, "narrow");
  await page.goto(new URL("/docs", page.url()).href);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), "the API page scrolls sideways");
  await picture(page, "docs");
  await page.context().close();
});

/** Runs in the page: texts whose contrast with what is behind them is below 4.5, as WCAG 2.2 counts. */
function tooFaint() {
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const rgba = (color) => color.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.disabled || !element.checkVisibility()) continue;
    const [high, low] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].toSorted((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < 4.5) found.push(`${element.tagName}: ${element.textContent.slice(0, 30)}`);
  }
  return found;
}
