// What a user who types sees, in the real editor and through the real server; the model is scripted, so every saved file is known.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Editor } from "./editor.mjs";
import { demo, program, until } from "./setup.mjs";

const FILL = "self.items[name]", OTHER = "self.items.get(name)", EMOJI = "'😀👩‍💻'";
const FILES = {
  "typing.py": demo(), "line.py": demo(), "cycle.py": demo(), "through.py": demo(), "panel.py": demo(),
  "emoji.py": demo(), "end.py": demo(), "crlf.py": demo().replaceAll("\n", "\r\n"), ".env": "TOKEN=1\n", "alive.py": demo(), "paused.py": demo(),
};
/** What the tests before the counts accept: in two parts, as a line, after the first three letters were typed, from the panel, with Tab. */
const ACCEPTED = [FILL, FILL, FILL.slice(3), OTHER, FILL, EMOJI, EMOJI, FILL];
const GAP = 37; // the line of the demo where code is missing

describe("typing in VS Code", () => {
  let editor;
  before(async () => {
    editor = await Editor.open({ files: FILES, model: () => ({ texts: [FILL], others: [[OTHER], [EMOJI]], steps: 2 }) });
    await editor.openFile("typing.py");
    await editor.status(/ready/);
  });
  after(async () => { await editor?.close(); });
  afterEach(async (context) => { await editor.picture(context.name.replaceAll(/\W+/g, "-")); });

  /** Begin the missing line anew, and wait for what is suggested behind it. */
  async function begin(name) {
    await editor.openFile(name);
    await editor.goTo(GAP, 9);
    await editor.page.keyboard.press("Shift+End");
    await editor.page.keyboard.press("Backspace");
    await editor.page.keyboard.type("item = ");
    await editor.ghost((text) => text === FILL);
  }

  /** The demo with `text` in the place of the missing line. */
  const instead = (text) => demo().split("\n").toSpliced(GAP - 1, 1, `        ${text}`).join("\n");
  const saved = (name, text) => editor.saved(name, (now) => now === instead(text));

  it("takes a word, then the rest", async () => {
    await begin("typing.py");
    await editor.page.keyboard.press("Control+ArrowRight");
    await editor.ghost((text) => text === ".items[name]");
    await editor.picture("ghost-text");
    await editor.page.keyboard.press("Tab");
    await saved("typing.py", `item = ${FILL}`);
  });

  it("takes a line", async () => {
    await begin("line.py");
    await editor.page.keyboard.press("Control+Alt+ArrowRight");
    await saved("line.py", `item = ${FILL}`);
  });

  it("shows the next and the previous suggestion", async () => {
    await begin("cycle.py");
    await editor.page.keyboard.press("Alt+Backslash");
    await editor.ghost((text) => text === FILL);
    await editor.page.keyboard.press("Alt+BracketRight");
    await editor.ghost((text) => text === OTHER);
    await editor.page.keyboard.press("Alt+BracketLeft");
    await editor.ghost((text) => text === FILL);
  });

  it("goes on with what is typed as suggested", async () => {
    await begin("through.py");
    await editor.page.keyboard.type("sel");
    await editor.ghost((text) => text === "f.items[name]");
    await editor.page.keyboard.press("Tab");
    await saved("through.py", `item = ${FILL}`);
  });

  it("shows candidates side by side, and puts the one that is taken there", async () => {
    await begin("panel.py");
    await editor.page.keyboard.press("Escape");
    await editor.command("Show Candidates Side by Side");
    const accept = editor.page.locator(".codelens-decoration a", { hasText: "Accept" });
    await until(async () => (await accept.count()) > 1, () => "there is no choice");
    await editor.picture("candidates");
    await accept.nth(1).click();
    await saved("panel.py", `item = ${OTHER}`);
  });

  it("counts columns as the editor does behind emoji", async () => {
    await editor.openFile("emoji.py");
    await editor.goTo(GAP, 9);
    await editor.page.keyboard.press("Shift+End");
    await editor.page.keyboard.press("Backspace");
    await editor.page.keyboard.insertText('x = "🎉👩‍💻"; item = ');
    await editor.page.keyboard.press("Alt+Backslash");
    await editor.ghost((text) => text === FILL);
    await editor.page.keyboard.press("Tab");
    await saved("emoji.py", `x = "🎉👩‍💻"; item = ${FILL}`);
  });

  it("puts the cursor behind emoji that were accepted", async () => {
    await begin("end.py");
    await editor.page.keyboard.press("Alt+Backslash");
    await editor.page.keyboard.press("Alt+BracketLeft");
    await editor.ghost((text) => text === EMOJI);
    await editor.page.keyboard.press("Control+ArrowRight");
    await editor.ghost((text) => text !== "" && text !== EMOJI && EMOJI.endsWith(text));
    await editor.page.keyboard.press("Tab");
    const behind = `${GAP}:${[...`        item = ${EMOJI}`].length + 1}`; // the status bar counts characters
    await until(async () => (await editor.cursor()) === behind, () => `the cursor does not come to ${behind}`);
    await editor.page.keyboard.type("[0]");
    await saved("end.py", `item = ${EMOJI}[0]`);
    await begin("end.py");
    await editor.page.keyboard.press("Alt+Backslash");
    await editor.page.keyboard.press("Alt+BracketLeft");
    await editor.ghost((text) => text === EMOJI);
    for (const key of ["Tab", "End", "Enter", "z"]) await editor.page.keyboard.press(key); // faster than the cursor is put right
    await saved("end.py", `item = ${EMOJI}\n        z`);
  });

  it("keeps line ends of Windows", async () => {
    await begin("crlf.py");
    await editor.page.keyboard.press("Tab");
    await editor.saved("crlf.py", (text) => text === instead(`item = ${FILL}`).replaceAll("\n", "\r\n"));
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
    await editor.command("dlm-fill: Restart the Server"); // a server that leaves writes down what it has counted
    await until(() => {
      counts = JSON.parse(execFileSync(program, ["stats", "--json"], { env: environment }).toString());
      return counts.accepted >= ACCEPTED.length;
    }, () => JSON.stringify(counts));
    assert.deepEqual([counts.accepted, counts.accepted_characters], [ACCEPTED.length, [...ACCEPTED.join("")].length], "what was put there, once");
    assert.ok(counts.accepted <= counts.shown && counts.shown <= counts.suggested, JSON.stringify(counts));
    assert.ok(counts.accepted_characters <= counts.shown_characters, JSON.stringify(counts));
    await editor.status(/ready/);
  });

  it("starts the server again when it is killed", async () => {
    await editor.openFile("alive.py");
    const [pid] = editor.fakes();
    assert.ok(pid !== undefined);
    process.kill(pid, "SIGKILL");
    await editor.logged(/starting again in 0\.5 s/g);
    await until(() => editor.fakes().some((other) => other !== pid), () => "no server came back");
    await editor.status(/ready/);
    await begin("alive.py");
  });
});
