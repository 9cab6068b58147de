// What a user does, in the real editor, against the real server and the built-in model.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { demo, Editor, until } from "./editor.mjs";

const SOUND = `def total(prices, rate):
    result = 0
    for price in prices:
        result += price * rate
    return result


def mean(prices):
    if not prices:
        return 0
    return sum(prices) / len(prices)
`;
const FILES = {
  "typing.py": demo(), "cycle.py": demo(), "through.py": demo(), "select.py": demo(), "reject.py": demo(),
  "two.py": `${demo().replace("        item.quantity += quantity\n", "        ...\n")}`, "sound.py": SOUND,
  "crlf.py": demo().replaceAll("\n", "\r\n"), "emoji.py": `# 👩‍💻 🎉 the shop\n${demo()}`, ".env": "TOKEN=1\n", "alive.py": demo(),
  "several.py": demo(), "paused.py": demo(),
};
const GAP = 37; // the line of the demo where code is missing

describe("dlm-fill in VS Code", () => {
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

  it("types, and takes a word, then the rest", async () => {
    const ghost = await begin("typing.py", "if name not in ");
    await editor.page.keyboard.press("Control+ArrowRight");
    const rest = await editor.ghost((text) => text !== ghost && ghost.endsWith(text) && text !== "");
    await editor.picture("ghost-text");
    const word = ghost.slice(0, ghost.length - rest.length);
    assert.ok(word.length > 0);
    await editor.page.keyboard.press("Tab");
    const text = await editor.saved("typing.py", (now) => now.includes(`if name not in ${ghost.split("\n")[0]}`));
    assert.ok(text.includes(`        if name not in ${word}${rest}`), text);
  });

  it("takes a line", async () => {
    const ghost = await begin("through.py", "if name not in ");
    await editor.page.keyboard.press("Control+Alt+ArrowRight");
    await editor.saved("through.py", (now) => now.includes(`        if name not in ${ghost}\n`));
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

  it("fills the selection while masks turn into code, and accepts", async () => {
    await editor.openFile("select.py");
    await editor.selectLines(GAP, 3);
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    await editor.picture("review");
    const [last] = (await editor.logged(/(\d+) frames, the first after (\d+) ms/g)).slice(-1);
    assert.ok(Number(last[1]) > 0);
    await editor.page.keyboard.press("Tab");
    await editor.reviewing(false);
    const filled = await editor.saved("select.py", (text) => text !== demo());
    assert.ok(!filled.includes("\n        ...\n"), filled);
    const lines = filled.split("\n");
    assert.deepEqual(lines.slice(0, GAP - 1), demo().split("\n").slice(0, GAP - 1));
    assert.ok(filled.endsWith(demo().split("\n").slice(GAP + 2).join("\n")));
    await editor.page.keyboard.press("Control+z");
    await editor.saved("select.py", (text) => text === demo());
  });

  it("rejects a fill, another candidate too", async () => {
    await editor.openFile("reject.py");
    await editor.selectLines(GAP, 1);
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    await editor.page.keyboard.press("Escape");
    await editor.reviewing(false);
    await editor.saved("reject.py", (text) => text === demo());
    await editor.selectLines(GAP, 1);
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    const first = await editor.saved("reject.py", (text) => text !== demo());
    await editor.page.keyboard.press("Alt+BracketRight");
    await editor.saved("reject.py", (text) => text !== demo() && text !== first);
    await editor.reviewing(true);
    await editor.page.keyboard.press("Escape");
    await editor.saved("reject.py", (text) => text === demo());
  });

  it("fills two places together, one undo step", async () => {
    const before = FILES["two.py"];
    await editor.openFile("two.py");
    await editor.goTo(33, 9);
    await editor.page.keyboard.press("Shift+End");
    await editor.page.keyboard.press("Control+d"); // selects the next ... too
    await editor.page.locator('[id="status.editor.selection"]', { hasText: "2 selections" }).waitFor();
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    await editor.picture("two-gaps");
    await editor.page.keyboard.press("Tab");
    const filled = await editor.saved("two.py", (text) => text !== before);
    assert.notEqual(filled.split("\n")[32], before.split("\n")[32]);
    await editor.page.keyboard.press("Control+z");
    await editor.saved("two.py", (text) => text === before);
  });

  it("fills the placeholder of a function", async () => {
    await editor.openFile("several.py");
    await editor.goTo(38, 9);
    await editor.page.keyboard.press("Control+Alt+p");
    await editor.reviewing(true);
    await editor.page.keyboard.press("Tab");
    const filled = await editor.saved("several.py", (text) => text !== demo());
    assert.ok(!filled.includes("\n        ...\n"), filled);
  });

  it("does not break sound code by a rewrite", async () => {
    await editor.openFile("sound.py");
    await editor.selectLines(2, 4);
    await editor.command("Rewrite the Selection");
    await editor.pick("What looks wrong");
    await editor.logged(/fill of 1 gaps: \d+ ms/g);
    await editor.status(/ready/);
    if (await editor.page.locator(".codelens-decoration", { hasText: "Accept (Tab)" }).count()) await editor.page.keyboard.press("Tab");
    await editor.saved("sound.py");
    execFileSync("python3", ["-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())", path.join(editor.workspace, "sound.py")]);
  });

  it("keeps line ends of Windows", async () => {
    await editor.openFile("crlf.py");
    await editor.selectLines(GAP, 1);
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    await editor.page.keyboard.press("Tab");
    const filled = await editor.saved("crlf.py", (text) => text !== FILES["crlf.py"]);
    assert.ok(!/\r\r|[^\r]\n/.test(filled), JSON.stringify(filled));
    await editor.page.keyboard.press("Control+z");
    await editor.saved("crlf.py", (text) => text === FILES["crlf.py"]);
  });

  it("counts columns as the editor does behind emoji", async () => {
    await editor.openFile("emoji.py");
    await editor.goTo(GAP + 1, 9);
    await editor.page.keyboard.press("Shift+End");
    await editor.page.keyboard.press("Backspace");
    await editor.page.keyboard.insertText('x = "🎉👩‍💻"; item = ');
    await editor.page.keyboard.press("Alt+Backslash");
    const ghost = await editor.ghost();
    await editor.page.keyboard.press("Tab");
    await editor.saved("emoji.py", (text) => text.includes(`        x = "🎉👩‍💻"; item = ${ghost.split("\n")[0]}`));
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

  it("shows candidates side by side", async () => {
    await begin("cycle.py", "item = ");
    await editor.page.keyboard.press("Escape");
    await editor.command("Show Candidates Side by Side");
    await editor.page.locator(".codelens-decoration", { hasText: "Accept" }).first().waitFor();
  });
});

describe("what is wrong around dlm-fill", () => {
  let editor;
  afterEach(async (context) => {
    await editor?.picture(context.name.replaceAll(/\W+/g, "-"));
    await editor?.close();
  });
  const without = (process.env.PATH ?? "").split(":").filter((folder) => !existsSync(path.join(folder, "dlm-fill"))).join(":");

  it("says that a path names no program", async () => {
    editor = await Editor.open({ files: { "a.py": SOUND }, settings: { "dlm-fill.server.path": "/nowhere/dlm-fill" } });
    assert.match(await editor.message(/names no program/), /\/nowhere\/dlm-fill/);
    await editor.status(/names no program/);
  });

  it("says what a setting may be, and goes on", async () => {
    editor = await Editor.open({ files: { "a.py": SOUND }, settings: { "dlm-fill.candidates": 99 } });
    assert.match(await editor.message(/candidates/), /16/);
    await editor.openFile("a.py");
    await editor.status(/ready/);
  });

  it("offers to install the server, and installs nothing unasked", async () => {
    editor = await Editor.open({ files: { "a.py": SOUND }, settings: { "dlm-fill.server.path": "" }, environment: { PATH: without } });
    await editor.status(/not installed/);
    await editor.message(/the server was not found/);
    assert.deepEqual(editor.servers(), []);
    assert.ok(!existsSync(path.join(editor.home, "data/User/globalStorage/dlm-fill.dlm-fill/server")));
  });

  it("starts no program of a workspace that is not trusted", async () => {
    const trap = `#!/bin/sh\ntouch "$(dirname "$0")/../../started"\n`;
    editor = await Editor.open({
      files: {
        "a.py": SOUND, ".venv/bin/dlm-fill": trap,
        ".vscode/settings.json": JSON.stringify({ "dlm-fill.server.path": ".venv/bin/dlm-fill", "dlm-fill.model": "mercury" }),
      },
      settings: { "security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never" },
      trust: false, executable: [".venv/bin/dlm-fill"],
    });
    await editor.openFile("a.py");
    await editor.status(/ready/);
    assert.ok(!existsSync(path.join(editor.workspace, "started")), "a program of the workspace ran");
    assert.equal(editor.servers().length, 1);
    assert.equal(readFileSync(path.join(editor.workspace, "a.py"), "utf8"), SOUND);
  });
});
