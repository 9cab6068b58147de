// What stands around fills: the walkthrough, menus, keys of remote models, a server that dies, wrong settings, trust.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Editor } from "./editor.mjs";
import { demo, pathWithout, program, until } from "./setup.mjs";

const MODEL = { texts: ["filled"], steps: 1 };
/** Lines of shell: leave at once while the file `crash` lies in the home of the test, after a line on standard error. */
const MAY_CRASH = 'home=$(dirname "$0")/..\nif [ "$1" = lsp ]; then echo started >>"$home/starts"; if [ -e "$home/crash" ]; then echo "no memory" >&2; exit 3; fi; fi';

describe("around dlm-fill in VS Code", () => {
  let editor;
  before(async () => {
    editor = await Editor.open({
      files: { "a.py": demo(), "b.md": "# b\n" }, settings: { "dlm-fill.candidates": 99 }, model: () => MODEL, first: MAY_CRASH,
      environment: { INCEPTION_API_KEY: "", OPENAI_API_KEY: "" },
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

  it("has a walkthrough of three steps", async () => {
    await editor.command("dlm-fill: Get Started");
    const step = (title) => editor.page.locator(".getting-started-step", { hasText: title }).first();
    await step("Get the server").waitFor();
    await step("Accept a suggestion").waitFor();
    await step("Fill a gap").waitFor();
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

  it("keeps a key in the secret storage, and gives it to the server alone", async () => {
    const [before] = editor.fakes();
    const key = "sk-test-7f3a9";
    await editor.command("dlm-fill: Set the Key of a Remote Model");
    await editor.pick("Mercury");
    const input = editor.page.locator('.quick-input-widget input.input[type="password"]');
    await input.fill(key);
    await editor.page.keyboard.press("Enter");
    await until(() => editor.fakes().some((pid) => pid !== before && environment(pid).INCEPTION_API_KEY === key), () => "the server has no key");
    await editor.status(/ready/);
    const holding = files(path.join(editor.home)).filter((file) => readFileSync(file).includes(key));
    assert.deepEqual(holding, [], "the key lies in a file as it is");
    await editor.command("dlm-fill: Set the Key of a Remote Model");
    await editor.pick("Mercury");
    await input.fill("");
    await editor.page.keyboard.press("Enter");
    await until(() => editor.fakes().some((pid) => !environment(pid).INCEPTION_API_KEY), () => "the key was not taken away");
    await editor.status(/ready/);
  });

  it("says that the server has died five times, tells what is wrong, and comes back", async () => {
    const home = (name) => path.join(editor.home, name);
    writeFileSync(home("crash"), "");
    rmSync(home("starts"));
    process.kill(editor.fakes()[0], "SIGKILL");
    const toast = await editor.message(/has died 5 times/);
    assert.match(toast, /next try is in 8 s/);
    assert.equal(readFileSync(home("starts"), "utf8"), "started\n".repeat(4));
    await editor.status(/restarting/);
    await editor.page.locator(".notification-toast .monaco-button", { hasText: "What Is Wrong?" }).first().click();
    await editor.reads(/-> dlm-fill: Restart the Server/);
    await editor.page.keyboard.press("Control+w");
    rmSync(home("crash"));
    await editor.status(/ready/);
    assert.equal(editor.fakes().length, 1);
    await editor.logged(/no memory/g);
  });

  it("says that a path names no program, and starts the server when it is corrected", async () => {
    const settings = path.join(editor.home, "data/User/settings.json");
    const all = JSON.parse(readFileSync(settings, "utf8"));
    await change("/nowhere/dlm-fill");
    assert.match(await editor.message(/names no program/), /\/nowhere\/dlm-fill/);
    await editor.status(/names no program/);
    await editor.picture("wrong-path");
    await change(all["dlm-fill.server.path"]);
    await editor.status(/ready/);

    /** Write the setting as a user does, in the editor itself, which does not look at the file again. */
    async function change(to) {
      await editor.command("Preferences: Open User Settings (JSON)");
      await editor.page.locator(".tab.active", { hasText: "settings.json" }).waitFor();
      await editor.page.keyboard.press("Control+1");
      await editor.page.keyboard.press("Control+a");
      await editor.page.keyboard.insertText(JSON.stringify({ ...all, "dlm-fill.server.path": to }));
      await editor.page.keyboard.press("Control+s");
      await editor.page.locator(".tab.active.dirty").waitFor({ state: "detached" });
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
      settings: { "security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never", "dlm-fill.server.path": "" },
      trust: false, executable: [".venv/bin/dlm-fill"], environment: { PATH: `${path.dirname(program)}:${pathWithout}` },
    });
    try {
      await editor.openFile("a.py");
      await editor.status(/ready/);
      assert.ok(!existsSync(path.join(editor.workspace, "started")), "a program of the workspace ran");
      assert.equal(editor.servers().length, 1);
      await editor.logged(/starting .*\(PATH\)/g);
      await editor.picture("untrusted");
    } finally {
      await editor.close();
    }
  });
});

function environment(pid) {
  try {
    return Object.fromEntries(readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
  } catch {
    return {}; // it has ended meanwhile
  }
}

function files(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
