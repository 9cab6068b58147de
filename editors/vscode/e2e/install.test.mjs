// The server comes into the extension's own storage: asked for, with progress, cancelled, from a folder of wheels without network.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Editor } from "./editor.mjs";
import { demo, noNetwork, pathWithout, scripted, until } from "./setup.mjs";

const FILL = "item = self.items[name]";
const GAP = 37; // the line of the demo where code is missing

/** In `folder` two wheels: dlm-fill, whose program is `program`, and one that it requires. */
function wheels(folder, program) {
  mkdirSync(folder);
  execFileSync("python3", ["-c", `
import sys, zipfile
folder, program = sys.argv[1:]
def wheel(name, version, files, further=""):
    info = f"{name}-{version}.dist-info"
    files = {**files, f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n{further}",
             f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
    files[f"{info}/RECORD"] = "".join(f"{file},,\\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as whole:
        for file, text in files.items():
            whole.writestr(file, text)
main = f"import os, sys, dlm_fill_part\\ndef main():\\n    os.execv({program!r}, [{program!r}, *sys.argv[1:]])\\n"
wheel("dlm_fill", "9.9", {"dlm_fill_stub.py": main, "dlm_fill-9.9.dist-info/entry_points.txt": "[console_scripts]\\ndlm-fill = dlm_fill_stub:main\\n"},
      "Requires-Dist: dlm-fill-part==1.0\\n")
wheel("dlm_fill_part", "1.0", {"dlm_fill_part.py": ""})
`, folder, program]);
}

describe("the server's installation in VS Code", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "dlm-fill-install-"));
  const tools = path.join(folder, "tools"), uv = path.join(tools, "uv"), endless = path.join(folder, "endless");
  let editor, storage;
  before(async () => {
    mkdirSync(tools);
    wheels(path.join(folder, "wheels"), scripted(path.join(folder, "bin"), { model: { texts: [FILL], steps: 1 } }));
    editor = await Editor.open({
      files: { "a.py": demo(), "b.py": demo() },
      settings: { "dlm-fill.server.path": "", "dlm-fill.server.package": path.join(folder, "wheels"), "dlm-fill.automatic": false },
      environment: { ...noNetwork, PATH: `${tools}:${pathWithout}` },
    });
    storage = path.join(editor.home, "data/User/globalStorage/dlm-fill.dlm-fill");
    await editor.openFile("a.py");
    await editor.status(/not installed/);
  });
  after(async () => {
    await editor?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(async (context) => { await editor.picture(context.name.replaceAll(/\W+/g, "-")); });

  /** A uv that begins and never ends, nor does the program that it has started. */
  function endlessUv() {
    rmSync(endless, { force: true });
    writeFileSync(uv, `#!/bin/sh\nfor last; do :; done\nmkdir -p "$last/half"\nsleep 100000 &\necho $! >"${endless}.new" && mv "${endless}.new" "${endless}"\nwait\n`);
    chmodSync(uv, 0o755);
  }

  /** Ask for the installation, say yes, and cancel once it is under way. */
  async function cancelled() {
    await editor.command("dlm-fill: Install the Server");
    await editor.dialog("Install the dlm-fill server", "Install");
    await until(() => existsSync(endless), () => "uv was not called");
    await editor.message(/installing the server[^]*making an environment/);
    await editor.button("Cancel");
    const pid = readFileSync(endless, "utf8").trim();
    await until(() => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "), () => "what uv has started goes on");
    return await editor.message(/the installation was cancelled/);
  }

  /** The server from the storage is started for the time number `start`, and fills. */
  async function works(name, start) {
    await editor.openFile(name);
    const started = new RegExp(`starting ${storage}/server/bin/dlm-fill \\(installed\\)`, "g");
    await until(async () => (await editor.logged(started)).length === start, () => `not started ${start} times`);
    await editor.status(/only on request/);
    await editor.selectLines(GAP, 1, 9);
    await editor.page.keyboard.press("Control+Alt+f");
    await editor.reviewing(true);
    assert.equal((await editor.saved(name)).split("\n")[GAP - 1], `        ${FILL}`);
  }

  it("can be cancelled, and leaves nothing", async () => {
    endlessUv();
    assert.match(await cancelled(), /nothing is left of it/);
    assert.ok(!existsSync(path.join(storage, "server")));
    await editor.status(/not installed/);
  });

  it("comes from a folder of wheels, without network, and works at once", async () => {
    rmSync(uv);
    await editor.command("Notifications: Clear All Notifications");
    await editor.command("dlm-fill: Install the Server");
    await editor.dialog("Install the dlm-fill server", "Install");
    await works("a.py", 1);
    await editor.logged(/Successfully installed .*dlm-fill-part/g);
  });

  it("keeps the server from before when another installation is cancelled", async () => {
    endlessUv();
    assert.match(await cancelled(), /the one from before stays/);
    await works("b.py", 2);
  });
});
