// The server around the code: its keys, its crashes, its model, and how it comes into the extension's own storage.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Editor } from "./editor.mjs";
import { demo, program, until } from "./setup.mjs";

const SECRET = "key-6f1d2c";
const GAP = 37; // the line of the demo where code is missing
/** Notes each start of the server with its environment; ends it at once while a file says so; plays the download of a model. */
const FIRST = `
here=$(dirname "$0")
case "$1" in
  lsp)
    env >"$here/environment.new" && mv "$here/environment.new" "$here/environment"
    [ ! -e "$here/crash" ] || exit 3 ;;
  models)
    if [ "$2" = --download ]; then
      echo "fetching $3: 1 of 2"
      while [ ! -e "$here/fetched" ]; do sleep 0.05; done
      echo "$3" >>"$here/downloads"
      exit
    fi ;;
esac`;

describe("the server of VS Code", () => {
  let editor;
  const bin = (name) => path.join(editor.home, "bin", name);
  before(async () => {
    editor = await Editor.open({
      files: { "a.py": demo(), "b.py": demo() }, settings: { "dlm-fill.automatic": false }, first: FIRST, model: () => ({ texts: ['x = "{model}"'], steps: 1 }),
    });
    await editor.openFile("a.py");
    await editor.status(/only on request/);
  });
  after(async () => { await editor?.close(); });
  afterEach(async (context) => { await editor.picture(context.name.replaceAll(/\W+/g, "-")); });

  /** The key that the server was last started with, when it satisfies `good`. */
  async function keyOfServer(good) {
    let key;
    await until(() => good(key = /^INCEPTION_API_KEY=(.*)$/m.exec(readFileSync(bin("environment"), "utf8"))?.[1]), () => `the server's key is ${key}`);
    await editor.status(/only on request/);
  }

  async function giveKey(text) {
    await editor.command("dlm-fill: Set the Key of a Remote Model");
    await editor.pick("Mercury");
    const input = editor.page.locator('.quick-input-widget input[type="password"]');
    await input.waitFor();
    await input.fill(text);
    await editor.page.keyboard.press("Enter");
    await editor.page.locator(".quick-input-widget").waitFor({ state: "hidden" });
  }

  /** What the scripted model writes: its own name. */
  async function modelFills(name) {
    await editor.openFile(name);
    await editor.selectLines(GAP, 1, 9);
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    await editor.page.keyboard.press("Tab");
    await editor.reviewing(false);
    return (await editor.saved(name)).split("\n")[GAP - 1].trim();
  }

  it("gets a key from the secret storage alone, keeps it over a reload of the window, and forgets it", async () => {
    await giveKey(SECRET);
    await keyOfServer((key) => key === SECRET);
    rmSync(bin("environment"));
    await editor.reload();
    await until(() => existsSync(bin("environment")), () => "the server was not started again");
    await keyOfServer((key) => key === SECRET);
    const files = readdirSync(editor.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name)).filter((file) => file !== bin("environment"));
    assert.deepEqual(files.filter((file) => readFileSync(file, "latin1").includes(SECRET)), [], "a file holds the key");
    await giveKey("");
    await keyOfServer((key) => key === undefined);
  });

  it("fills with the model that is picked, after it was fetched if the user says so", async () => {
    await editor.command("dlm-fill: Pick the Model");
    await editor.page.locator(".quick-input-list .monaco-list-row", { hasText: "builtin" }).first().waitFor();
    assert.match(await editor.page.locator(".quick-input-list .monaco-list-row", { hasText: "builtin" }).first().innerText(), /in use/);
    await editor.pick("Another one");
    await editor.page.locator(".quick-input-widget .quick-input-message", { hasText: "ORG/NAME" }).waitFor();
    await editor.page.locator(".quick-input-widget input.input").fill("mine");
    await editor.page.keyboard.press("Enter");
    await editor.setting("dlm-fill.model", (value) => value === "mine");
    assert.equal(await modelFills("a.py"), 'x = "mine"');

    const known = JSON.parse(execFileSync(program, ["models", "--json"]).toString());
    const name = known.find((model) => model.on_disk_bytes === 0).id;
    const choose = async (answer) => {
      await editor.command("dlm-fill: Pick the Model");
      await editor.page.locator(".quick-input-list .monaco-list-row", { hasText: "not here yet" }).first().waitFor();
      await editor.pick(name);
      await editor.dialog(`Fetch ${name}`, answer);
    };
    await choose("Cancel");
    assert.equal(await editor.setting("dlm-fill.model"), "mine");
    await choose("Fetch");
    await editor.message(new RegExp(`fetching ${name}: 1 of 2`)); // progress
    assert.equal(await editor.setting("dlm-fill.model"), "mine");
    writeFileSync(bin("fetched"), "");
    await editor.setting("dlm-fill.model", (value) => value === name);
    assert.deepEqual(readFileSync(bin("downloads"), "utf8").trim().split("\n"), [name]);
  });

  it("comes back after five crashes: later each time, with a message, and at the user's word at once", async () => {
    await until(() => editor.fakes().length === 1, () => `${editor.fakes().length} servers`);
    writeFileSync(bin("crash"), "");
    process.kill(editor.fakes()[0], "SIGKILL");
    await editor.status(/restarting/);
    assert.match(await editor.message(/the server has died 5 times/), /the next try is in 8 s/);
    assert.deepEqual(await editor.toasts(/couldn't create connection|connection got disposed/), [], "a message in words of the protocol");
    const waits = (await editor.logged(/starting again in ([\d.]+) s/g)).map((found) => Number(found[1]));
    assert.deepEqual(waits.slice(-5), [0.5, 1, 2, 4, 8]);
    rmSync(bin("crash"));
    await editor.button("Restart Now");
    await editor.status(/only on request/);
    assert.match(await modelFills("b.py"), /^x = "/);
    assert.equal(editor.fakes().length, 1);
  });
});
