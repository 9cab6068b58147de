// What a user who types sees, in the real editor, against the real server and the built-in model.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Editor } from "./editor.mjs";
import { demo, program, until } from "./setup.mjs";

const SOUND = `def total(prices, rate):
    result = 0
    for price in prices:
        result += price * rate
    return result
`;
const FILES = {
  "typing.py": demo(), "line.py": demo(), "cycle.py": demo(), "through.py": demo(), "select.py": demo(), "sound.py": SOUND, "panel.py": demo(),
  "emoji.py": demo(), "crlf.py": demo().replaceAll("\n", "\r\n"), ".env": "TOKEN=1\n", "alive.py": demo(), "paused.py": demo(), "trace.py": demo(),
};
const GAP = 37; // the line of the demo where code is missing
const lines = (text) => text.split(/\r?\n/);

describe("typing in VS Code", () => {
  let editor;
  before(async () => {
    // What is shown to who just types depends on the model; here it is about keys, so everything is shown.
    editor = await Editor.open({ files: FILES, settings: { "dlm-fill.minConfidence": 0 } });
    await editor.openFile("typing.py");
    await editor.status(/ready/);
  });
  after(async () => { await editor?.close(); });
  afterEach(async (context) => { await editor.picture(context.name.replaceAll(/\W+/g, "-")); });

  /** Write the beginning of the missing line anew, and wait for what is suggested behind it. */
  async function begin(name, text, line = GAP) {
    await editor.openFile(name);
    await editor.goTo(line, 9);
    await editor.page.keyboard.press("Shift+End");
    await editor.page.keyboard.press("Backspace");
    await editor.page.keyboard.type(text);
    return await editor.ghost();
  }

  /** What differs between the demo and `text`: both must be the demo outside of the line `line` and those put in its place. */
  function instead(text, line = GAP) {
    const [old, now] = [lines(demo()), lines(text)];
    assert.deepEqual(now.slice(0, line - 1), old.slice(0, line - 1));
    assert.deepEqual(now.slice(now.length - (old.length - line)), old.slice(line));
    return now.slice(line - 1, now.length - (old.length - line)).join("\n");
  }

  it("takes a word, then the rest", async () => {
    const ghost = await begin("typing.py", "if name not in ");
    await editor.page.keyboard.press("Control+ArrowRight");
    const rest = await editor.ghost((text) => text !== ghost && ghost.endsWith(text) && text !== "");
    await editor.picture("ghost-text");
    await editor.page.keyboard.press("Tab");
    const text = await editor.saved("typing.py", (now) => now.includes(`if name not in ${lines(ghost)[0]}`));
    assert.equal(lines(instead(text))[0], `        if name not in ${ghost.slice(0, ghost.length - rest.length)}${lines(rest)[0]}`);
  });

  it("takes a line", async () => {
    const ghost = await begin("line.py", "if name not in ");
    await editor.page.keyboard.press("Control+Alt+ArrowRight");
    const text = await editor.saved("line.py", (now) => now.includes(`        if name not in ${lines(ghost)[0]}\n`));
    assert.equal(lines(instead(text))[0], `        if name not in ${lines(ghost)[0]}`);
  });

  it("shows the next and the previous suggestion", async () => {
    await begin("cycle.py", "item = ");
    await editor.page.keyboard.press("Alt+Backslash");
    const first = await editor.ghost();
    await editor.page.keyboard.press("Alt+BracketRight");
    await editor.ghost((text) => text !== "" && text !== first);
    await editor.page.keyboard.press("Alt+BracketLeft");
    await editor.ghost((text) => text === first);
  });

  it("goes on with what is typed as suggested", async () => {
    const ghost = await begin("through.py", "item = ", GAP + 1);
    await editor.page.keyboard.type(ghost.slice(0, 3));
    await editor.ghost((text) => text === ghost.slice(3));
  });

  it("fills a gap with code that parses, by the built-in model", async () => {
    await editor.openFile("select.py");
    await editor.selectLines(GAP, 1);
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    await editor.page.locator(".codelens-decoration", { hasText: /confidence \d+ %/ }).waitFor();
    await editor.page.keyboard.press("Tab");
    assert.doesNotMatch(instead(await editor.saved("select.py", (text) => text !== demo())), /^\s*(\.\.\.)?\s*$/);
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

  it("shows candidates side by side, and puts the one that is taken there", async () => {
    await begin("panel.py", "item = ");
    await editor.page.keyboard.press("Escape");
    await editor.command("Show Candidates Side by Side");
    const accept = editor.page.locator(".codelens-decoration a", { hasText: "Accept" });
    await until(async () => (await accept.count()) > 1, () => "there is no choice");
    const shown = await editor.page.locator(".editor-group-container .view-lines").last().innerText();
    const second = shown.replaceAll("\u00a0", " ").split("\n").find((line, index, all) => /^2 of \d+$/.test(all[index - 1] ?? ""));
    await editor.picture("candidates");
    await accept.nth(1).click();
    const text = await editor.saved("panel.py", (now) => lines(now)[GAP - 1] === second);
    assert.equal(lines(instead(text))[0], second);
  });

  it("plays how a selection is denoised", async () => {
    await editor.openFile("trace.py");
    await editor.selectLines(GAP, 1);
    await editor.command("Show How the Selection Is Denoised");
    const page = editor.page.frameLocator("iframe.webview").frameLocator("#active-frame");
    await page.locator("input[type=range]").first().waitFor();
    await editor.page.keyboard.press("Control+w");
  });

  it("counts columns as the editor does behind emoji", async () => {
    await editor.openFile("emoji.py");
    await editor.goTo(GAP, 9);
    await editor.page.keyboard.press("Shift+End");
    await editor.page.keyboard.press("Backspace");
    await editor.page.keyboard.insertText('x = "🎉👩‍💻"; item = ');
    await editor.page.keyboard.press("Alt+Backslash");
    const ghost = await editor.ghost();
    await editor.page.keyboard.press("Tab");
    const text = await editor.saved("emoji.py", (now) => now.includes(`item = ${lines(ghost)[0]}`));
    assert.equal(lines(instead(text))[0], `        x = "🎉👩‍💻"; item = ${lines(ghost)[0]}`);
  });

  it("keeps line ends of Windows", async () => {
    const ghost = await begin("crlf.py", "if name not in ");
    await editor.page.keyboard.press("Tab");
    const text = await editor.saved("crlf.py", (now) => now.includes(`if name not in ${lines(ghost)[0]}\r\n`));
    assert.ok(!/\r\r|[^\r]\n/.test(text), JSON.stringify(text));
    assert.equal(lines(instead(text))[0], `        if name not in ${lines(ghost)[0]}`);
  });

  it("pauses in a file and says so", async () => {
    await editor.openFile("paused.py");
    await editor.command("Pause or Go On in This File");
    await editor.status(/paused: in this file/);
    await editor.command("Pause or Go On in This File");
    await editor.status(/ready/);
  });

  it("is inactive in an excluded file, for a reason that one can read", async () => {
    await editor.openFile(".env");
    assert.match(await editor.status(/inactive/), /excluded by/);
    await editor.openFile("alive.py");
    await editor.status(/ready/);
  });

  it("has told the server what was shown and accepted, in parts and as a whole", async () => {
    const environment = { ...process.env, XDG_STATE_HOME: path.join(editor.home, "state") };
    let counts = {};
    await until(() => {
      counts = JSON.parse(execFileSync(program, ["stats", "--json"], { env: environment }).toString());
      return counts.accepted >= 4;
    }, () => JSON.stringify(counts));
    assert.ok(counts.shown >= counts.accepted && counts.shown <= counts.suggested, JSON.stringify(counts));
  });

  it("starts the server again when it is killed", async () => {
    await editor.openFile("alive.py");
    const [pid] = editor.servers();
    assert.ok(pid !== undefined);
    process.kill(pid, "SIGKILL");
    await editor.logged(/starting again in 0\.5 s/g);
    await until(() => editor.servers().some((other) => other !== pid), () => "no server came back");
    await editor.status(/ready/);
    assert.notEqual(await begin("alive.py", "item = "), "");
  });

  function parses(name) {
    execFileSync("python3", ["-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())", path.join(editor.workspace, name)]);
  }
});
