// Fills in the real editor and through the real server; the model is scripted, so every saved file is known to the letter.
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Editor } from "./editor.mjs";
import { demo, until } from "./setup.mjs";

// With everything that means something in a snippet, and with lines whose indentation is theirs.
const FIRST = 'first = self.items["$name ${1:a} \\\\ $0 }"]', SECOND = 'second = self.items[quantity]\n        third = "${2|a,b|}"';
const OTHER = "other = self.items.get(name)", ANOTHER = "another = self.items.get(quantity)";
const GAP = 37; // the line of the demo where code is missing
const withLine = (line, text, of = demo()) => of.split("\n").map((old, index) => (index === line - 1 ? text : old)).join("\n");
const TWO = withLine(33, "        ...");
const HOLES = "def restock(shelf, name):\n    ...\n    for item in shelf:\n        ___\n    return shelf\n";
const EMOJI = withLine(GAP, '        x = "🎉👩‍💻"; ...');
const FILES = {
  "select.py": demo(), "reject.py": demo(), "two.py": TWO, "holes.py": HOLES, "crlf.py": demo().replaceAll("\n", "\r\n"), "emoji.py": EMOJI,
  "away.py": demo(), "menu.py": demo(), "rewrite.py": demo(), "cancel.py": demo(), "meanwhile.py": demo(), "diff.py": demo(),
};

describe("fills in VS Code", () => {
  let editor;
  const recorded = () => readFileSync(path.join(editor.home, "fills"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  /** Let each fill take so many steps and no more; undefined: all. */
  const allow = (steps) => {
    if (steps === undefined) rmSync(path.join(editor.home, "steps"), { force: true });
    else writeFileSync(path.join(editor.home, "steps"), String(steps));
  };
  before(async () => {
    editor = await Editor.open({
      files: FILES, settings: { "dlm-fill.automatic": false },
      model: (home) => ({
        texts: [FIRST, SECOND], others: [[OTHER, ANOTHER]], steps: 3, record: path.join(home, "fills"), step_gate: path.join(home, "steps"),
      }),
    });
    await editor.openFile("select.py");
    await editor.status(/only on request/);
  });
  after(async () => { await editor?.close(); });
  afterEach(async (context) => {
    allow(undefined);
    await editor.picture(context.name.replaceAll(/\W+/g, "-"));
  });

  /** Fill `lines` lines from `line` on, and wait for what is to be accepted or rejected. */
  async function fill(name, line = GAP, lines = 1) {
    await editor.openFile(name);
    await editor.selectLines(line, lines, 9);
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
  }

  it("shows masks that turn into code, then accepts: one undo step, the cursor behind the fill", async () => {
    allow(0);
    await editor.openFile("select.py");
    await editor.selectLines(GAP, 3, 9);
    await editor.page.keyboard.press("Control+Alt+f");
    let shown = [];
    await until(async () => (shown = await editor.preview()).length === 3, () => `the masks are ${JSON.stringify(shown)}`);
    assert.ok(shown.every((text) => /^ *░+( ░+)*$/.test(text)), `the masks are ${JSON.stringify(shown)}`);
    await editor.picture("masks");
    allow(1);
    await until(async () => (shown = await editor.preview()).some((text) => text.startsWith("first")), () => `the preview is ${JSON.stringify(shown)}`);
    await editor.picture("live-preview");
    assert.ok(!(await editor.screen()).includes("if quantity > item.quantity"), "what the preview covers is seen, too");
    allow(undefined);
    await editor.reviewing(true);
    assert.deepEqual(await editor.preview(), []);
    assert.equal(await editor.cursor(), `${GAP}:${9 + FIRST.length}`);
    const expected = [...demo().split("\n").slice(0, GAP - 1), `        ${FIRST}`, ...demo().split("\n").slice(GAP + 2)].join("\n");
    await editor.page.keyboard.press("Tab");
    await editor.reviewing(false);
    assert.equal(await editor.saved("select.py"), expected);
    await editor.page.keyboard.press("Control+z");
    await editor.saved("select.py", (text) => text === demo());
  });

  it("rejects a fill, another candidate too", async () => {
    await fill("reject.py");
    assert.equal(await editor.saved("reject.py"), withLine(GAP, `        ${FIRST}`));
    await editor.page.keyboard.press("Escape");
    await editor.reviewing(false);
    await editor.saved("reject.py", (text) => text === demo());
    await fill("reject.py");
    await editor.page.keyboard.press("Alt+BracketRight");
    await editor.saved("reject.py", (text) => text === withLine(GAP, `        ${OTHER}`));
    await editor.page.locator(".codelens-decoration", { hasText: "2 of 2" }).waitFor();
    await editor.page.keyboard.press("Alt+BracketLeft");
    await editor.saved("reject.py", (text) => text === withLine(GAP, `        ${FIRST}`));
    await editor.page.keyboard.press("Escape");
    await editor.saved("reject.py", (text) => text === demo());
  });

  it("fills two selected places together, in one fill and one undo step", async () => {
    const before = recorded().length;
    await editor.openFile("two.py");
    await editor.goTo(33, 9);
    await editor.page.keyboard.press("Shift+End");
    await editor.page.keyboard.press("Control+d"); // selects the next ... too
    await editor.page.locator('[id="status.editor.selection"]', { hasText: "2 selections" }).waitFor();
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    assert.deepEqual(recorded().slice(before).map((one) => one.holes), [2]);
    assert.equal(await editor.cursor(), `${GAP + 1}:${SECOND.split("\n")[1].length + 1}`);
    await editor.page.keyboard.press("Tab");
    await editor.reviewing(false);
    assert.equal(await editor.saved("two.py"), withLine(GAP, `        ${SECOND}`, withLine(33, `        ${FIRST}`)));
    await editor.page.keyboard.press("Control+z");
    await editor.saved("two.py", (text) => text === TWO);
  });

  it("fills the placeholders of a function together", async () => {
    const before = recorded().length;
    await editor.openFile("holes.py");
    await editor.goTo(3, 1);
    await editor.page.keyboard.press("Control+Alt+p");
    await editor.reviewing(true);
    assert.deepEqual(recorded().slice(before).map((one) => one.holes), [2]);
    assert.equal(await editor.saved("holes.py"), HOLES.replace("...", () => FIRST).replace("___", () => SECOND));
  });

  it("rewrites the share that is asked for", async () => {
    await editor.openFile("rewrite.py");
    await editor.selectLines(33, 1, 9);
    await editor.page.keyboard.press("Control+Alt+w");
    await editor.pick("Much");
    await editor.reviewing(true);
    assert.deepEqual(recorded().at(-1).strengths, [0.7]);
    assert.equal(await editor.saved("rewrite.py"), withLine(33, `        ${FIRST}`));
  });

  it("offers in a menu what the server offers for the selection", async () => {
    await editor.openFile("menu.py");
    await editor.selectLines(33, 1, 9);
    await editor.command("Refactor…");
    await editor.page.locator(".quick-input-list .monaco-list-row", { hasText: "Fill the selection anew" }).waitFor();
    await editor.pick("Rewrite what looks wrong in the selection");
    await editor.reviewing(true);
    assert.deepEqual(recorded().at(-1).strengths, [0.4]);
    assert.equal(await editor.saved("menu.py"), withLine(33, `        ${FIRST}`));
  });

  it("leaves Tab and Esc alone away from the fill", async () => {
    await fill("away.py");
    await editor.goTo(30, 1);
    await editor.page.keyboard.press("Tab");
    const indented = withLine(30, `    ${demo().split("\n")[29]}`, withLine(GAP, `        ${FIRST}`));
    await editor.saved("away.py", (text) => text === indented);
    await editor.reviewing(true);
    await editor.goTo(GAP, 9);
    await editor.page.keyboard.press("Tab");
    await editor.reviewing(false);
    await until(async () => (await editor.cursor()) === `${GAP}:${9 + FIRST.length}`, () => "the cursor does not go on behind the fill");
    assert.equal(await editor.saved("away.py"), indented);
  });

  it("cancels a fill by Esc, and leaves the file as it was", async () => {
    const before = recorded().length;
    allow(1);
    await editor.openFile("cancel.py");
    await editor.selectLines(GAP, 1, 9);
    await editor.page.keyboard.press("Control+Alt+f");
    await until(async () => (await editor.preview()).length > 0, () => "no preview came");
    await editor.page.keyboard.press("Escape");
    await until(async () => recorded().length > before, () => "the fill goes on");
    assert.equal(recorded().at(-1).stopped, "cancelled");
    await until(async () => (await editor.preview()).length === 0, () => "the preview stays");
    assert.equal(await editor.saved("cancel.py"), demo());
  });

  it("fills its place while one types above it, and the cursor stays there", async () => {
    allow(1);
    await editor.openFile("meanwhile.py");
    await editor.selectLines(GAP, 1, 9);
    await editor.page.keyboard.press("Control+Alt+f");
    await until(async () => (await editor.preview()).length > 0, () => "no preview came");
    await editor.goTo(1, 1);
    await editor.page.keyboard.type("# new\n");
    await until(async () => (await editor.preview()).length === 0, () => "a preview of the text before stays");
    allow(undefined);
    await editor.saved("meanwhile.py", (text) => text === `# new\n${withLine(GAP, `        ${FIRST}`)}`);
    assert.equal(await editor.cursor(), "2:1");
  });

  it("compares a fill with what was there, and rejects it by a button", async () => {
    await fill("diff.py");
    await editor.command("Compare the Fill with What Was There");
    await editor.page.locator(".tab.active", { hasText: "before ↔ filled" }).waitFor();
    await editor.reads(/first = self\.items\["\$name/);
    await editor.picture("diff");
    await editor.page.locator('.editor-actions .action-label[aria-label^="Reject the Fill"]').first().click();
    await editor.page.locator(".tab", { hasText: "before ↔ filled" }).waitFor({ state: "detached" });
    await editor.openFile("diff.py");
    await editor.saved("diff.py", (text) => text === demo());
  });

  it("keeps line ends of Windows", async () => {
    await fill("crlf.py");
    await editor.page.keyboard.press("Tab");
    assert.equal(await editor.saved("crlf.py"), withLine(GAP, `        ${FIRST}`).replaceAll("\n", "\r\n"));
    await editor.page.keyboard.press("Control+z");
    await editor.saved("crlf.py", (text) => text === FILES["crlf.py"]);
  });

  it("counts columns as the editor does behind emoji", async () => {
    await editor.openFile("emoji.py");
    await editor.goTo(GAP, 1);
    await editor.page.keyboard.press("End");
    for (let dot = 0; dot < 3; dot++) await editor.page.keyboard.press("Shift+ArrowLeft");
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    assert.equal(await editor.saved("emoji.py"), EMOJI.replace("; ...", () => `; ${FIRST}`));
  });
});
