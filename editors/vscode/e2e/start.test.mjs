// What stands around fills: the walkthrough, menus, doctor, wrong settings, a server that is missing, trust.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Editor } from "./editor.mjs";
import { demo, pathWithout } from "./setup.mjs";

const MODEL = { texts: ["filled"], steps: 1 };

describe("around dlm-fill in VS Code", () => {
  let editor;
  before(async () => {
    editor = await Editor.open({
      files: { "a.py": demo(), "b.md": "# b\n" }, settings: { "dlm-fill.candidates": 99 }, model: () => MODEL,
    });
    await editor.openFile("a.py");
    await editor.status(/ready/);
  });
  after(async () => { await editor?.close(); });
  afterEach(async (context) => { await editor.picture(context.name.replaceAll(/\W+/g, "-")); });

  it("says what a setting may be, and goes on", async () => {
    assert.match(await editor.message(/candidates/), /16/);
    await editor.command("Notifications: Clear All Notifications");
  });

  it("has a walkthrough of three steps, and checks those that are done", async () => {
    await editor.command("dlm-fill: Get Started");
    const step = (title) => editor.page.locator(".getting-started-step", { hasText: title }).first();
    await step("Get the server").waitFor();
    await step("Accept a suggestion").waitFor();
    await step("Fill a gap").waitFor();
    // The server runs since before the walkthrough was shown; the others are still to be done.
    await step("Get the server").locator(".codicon-getting-started-step-checked.complete").waitFor();
    assert.equal(await editor.page.locator(".getting-started-step .codicon-getting-started-step-checked.complete").count(), 1);
    await editor.page.keyboard.press("Control+w");
    await editor.selectLines(37, 1, 9);
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    await editor.page.keyboard.press("Tab");
    await editor.reviewing(false);
    await editor.page.keyboard.press("Control+z");
    await editor.command("dlm-fill: Get Started");
    await step("Fill a gap").locator(".codicon-getting-started-step-checked.complete").waitFor();
    await editor.picture("walkthrough");
    await editor.page.keyboard.press("Control+w");
  });

  it("opens its menu from the status bar, and pauses in a language", async () => {
    const choose = async (text) => {
      await editor.command("dlm-fill: Menu");
      await editor.pick(text);
    };
    await editor.openFile("b.md");
    await editor.page.locator('[id="dlm-fill.dlm-fill.dlm-fill.status"] a').click();
    await editor.pick("Pause in markdown");
    await editor.status(/paused: in markdown/);
    await editor.openFile("a.py");
    await editor.status(/ready/);
    await choose("Switch off");
    await editor.status(/switched off/);
    await choose("Switch on");
    await editor.status(/ready/);
  });

  it("tells what this machine has, and what is suggested on a line", async () => {
    await editor.command("dlm-fill: Check What This Machine Has");
    await editor.reads(/dlm-fill on this machine[^]*built-in model/);
    await editor.reads(/server +running \(.*dlm-fill/);
    await editor.picture("doctor");
    await editor.page.keyboard.press("Control+w");
    await editor.openFile("a.py");
    await editor.goTo(37, 9);
    await editor.command("dlm-fill: What Is Suggested on This Line");
    await editor.reads(/dlm-fill in a\.py, line 37/);
    await editor.reads(/trial +/);
    await editor.page.keyboard.press("Control+w");
  });
});

describe("what is wrong around dlm-fill", () => {
  it("says that a path names no program", async () => {
    const editor = await Editor.open({ files: { "a.py": demo() }, settings: { "dlm-fill.server.path": "/nowhere/dlm-fill" } });
    try {
      assert.match(await editor.message(/names no program/), /\/nowhere\/dlm-fill/);
      await editor.status(/names no program/);
      await editor.picture("wrong-path");
    } finally {
      await editor.close();
    }
  });

  it("offers to install the server, and installs nothing unasked", async () => {
    const editor = await Editor.open({
      files: { "a.py": demo() }, settings: { "dlm-fill.server.path": "" }, environment: { PATH: pathWithout },
    });
    try {
      await editor.status(/not installed/);
      await editor.message(/the server was not found/);
      assert.deepEqual(editor.servers(), []);
      assert.ok(!existsSync(path.join(editor.home, "data/User/globalStorage/dlm-fill.dlm-fill/server")));
    } finally {
      await editor.close();
    }
  });
});

describe("a workspace that is not trusted", () => {
  it("has no program of its own started, nor a server that it names", async () => {
    const trap = `#!/bin/sh\ntouch "$(dirname "$0")/../../started"\n`;
    const editor = await Editor.open({
      files: {
        "a.py": demo(), ".venv/bin/dlm-fill": trap,
        ".vscode/settings.json": JSON.stringify({ "dlm-fill.server.path": ".venv/bin/dlm-fill", "dlm-fill.model": "mercury" }),
      },
      settings: { "security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never" },
      trust: false, executable: [".venv/bin/dlm-fill"],
    });
    try {
      await editor.openFile("a.py");
      await editor.status(/ready/);
      assert.ok(!existsSync(path.join(editor.workspace, "started")), "a program of the workspace ran");
      assert.equal(editor.servers().length, 1);
      await editor.picture("untrusted");
    } finally {
      await editor.close();
    }
  });
});
