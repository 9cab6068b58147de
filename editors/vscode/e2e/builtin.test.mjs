// The built-in model in the real editor. What it says is the model's affair; what becomes of it is ours.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Editor } from "./editor.mjs";
import { demo, until } from "./setup.mjs";

const SOUND = `def total(prices, rate):
    result = 0
    for price in prices:
        result += price * rate
    return result
`;
const GAP = 37; // the line of the demo where code is missing
const lines = (text) => text.split("\n");

describe("the built-in model in VS Code", () => {
  let editor;
  before(async () => {
    editor = await Editor.open({
      files: { "ask.py": demo(), "select.py": demo(), "sound.py": SOUND, "trace.py": demo() },
      // Time enough on any machine, and nothing is too unlikely to be shown.
      settings: { "dlm-fill.minConfidence": 0, "dlm-fill.maxTimeMs": 60_000 },
    });
    await editor.openFile("ask.py");
    await editor.status(/ready/);
  });
  after(async () => { await editor?.close(); });
  afterEach(async (context) => { await editor.picture(context.name.replaceAll(/\W+/g, "-")); });

  function parses(name) {
    execFileSync("python3", ["-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())", path.join(editor.workspace, name)]);
  }

  it("suggests at the cursor when asked, and Tab writes what was shown", async () => {
    await editor.goTo(GAP, 9);
    await editor.page.keyboard.press("Shift+End");
    await editor.page.keyboard.press("Backspace");
    await editor.page.keyboard.type("item = ");
    let ghost = "";
    await until(async () => {
      await editor.page.keyboard.press("Alt+Backslash"); // again, if time was up before the model had read the file
      return (ghost = await editor.ghost((text) => text !== "", 20_000).catch(() => "")) !== "";
    }, () => "nothing is suggested");
    await editor.page.keyboard.press("Tab");
    const text = await editor.saved("ask.py", (now) => now.includes(`        item = ${lines(ghost)[0]}`));
    assert.deepEqual(lines(text).slice(0, GAP - 1), lines(demo()).slice(0, GAP - 1));
  });

  it("fills a gap with code that parses", async () => {
    await editor.openFile("select.py");
    await editor.selectLines(GAP, 1);
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.logged(/fill of 1 gaps of select\.py: \d+ ms, [1-9]\d* frames/g);
    const text = await editor.saved("select.py");
    assert.deepEqual(lines(text).slice(0, GAP - 1), lines(demo()).slice(0, GAP - 1));
    assert.deepEqual(lines(text).slice(-lines(demo()).length + GAP), lines(demo()).slice(GAP));
    parses("select.py");
  });

  it("does not break sound code by a rewrite", async () => {
    await editor.openFile("sound.py");
    await editor.selectLines(2, 4);
    await editor.command("Rewrite the Selection");
    await editor.pick("What looks wrong");
    await editor.logged(/fill of 1 gaps of sound\.py: \d+ ms/g);
    await editor.saved("sound.py");
    parses("sound.py");
  });

  it("plays how a selection is denoised", async () => {
    await editor.openFile("trace.py");
    await editor.selectLines(GAP, 1);
    await editor.command("Show How the Selection Is Denoised");
    const page = editor.page.frameLocator("iframe.webview").frameLocator("#active-frame");
    await page.locator("input[type=range]").first().waitFor();
  });
});
