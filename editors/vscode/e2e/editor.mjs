// VS Code in a browser: code-server with the packaged extension, and Chromium that looks at it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium, entry, extensions, freePort, PATIENCE_MS, program, scripted, until } from "./setup.mjs";
import { Window } from "./window.mjs";

const QUIET = {
  "chat.disableAIFeatures": true, "workbench.startupEditor": "none", "window.commandCenter": false,
  "workbench.layoutControl.enabled": false, "editor.minimap.enabled": false, "workbench.tips.enabled": false,
  "editor.quickSuggestions": { other: "off", comments: "off", strings: "off" }, "editor.suggestOnTriggerCharacters": false,
  "editor.parameterHints.enabled": false, "telemetry.telemetryLevel": "off", "files.autoSave": "off", "git.enabled": false, "workbench.secondarySideBar.defaultVisibility": "hidden",
  "extensions.ignoreRecommendations": true, "editor.autoClosingBrackets": "never", "editor.autoClosingQuotes": "never",
  "workbench.editor.enablePreview": false, "files.simpleDialog.enable": true, "extensions.autoCheckUpdates": false,
};

export class Editor extends Window {
  /** `model`, `first`: of a scripted program (see `scripted`), which then stands in the place of dlm-fill. */
  static async open({
    files, settings = {}, trust = true, environment = {}, executable = [], extension = true, vsix, model, first, size = { width: 1100, height: 700 },
  }) {
    const editor = new Editor();
    editor.home = mkdtempSync(path.join(tmpdir(), "dlm-fill-e2e-"));
    editor.workspace = path.join(editor.home, "workspace");
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(editor.workspace, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    for (const name of executable) chmodSync(path.join(editor.workspace, name), 0o755);
    const server = model || first ? scripted(path.join(editor.home, "bin"), { model: model?.(editor.home), first }) : program;
    const user = path.join(editor.home, "data/User");
    mkdirSync(user, { recursive: true });
    // Settings of a machine belong into the machine's file: VS Code drops them from the user's as soon as that is written.
    const all = Object.entries({ ...QUIET, "dlm-fill.server.path": server, ...settings });
    const ofMachine = ([key]) => /^dlm-fill\.(server\.|model$|device$)/.test(key);
    mkdirSync(path.join(editor.home, "data/Machine"), { recursive: true });
    writeFileSync(path.join(editor.home, "data/Machine/settings.json"), JSON.stringify(Object.fromEntries(all.filter(ofMachine))));
    writeFileSync(path.join(user, "settings.json"), JSON.stringify(Object.fromEntries(all.filter((one) => !ofMachine(one)))));
    const environ = {
      ...process.env, VSCODE_CLI: "1", // as one starts it from a terminal: what is in the environment is not replaced by a login shell's
      EXTENSIONS_GALLERY: '{"serviceUrl":""}', XDG_STATE_HOME: path.join(editor.home, "state"),
      XDG_CONFIG_HOME: path.join(editor.home, "config"), XDG_DATA_HOME: path.join(editor.home, "share"), ...environment,
    };
    const places = ["--user-data-dir", path.join(editor.home, "data"), "--extensions-dir", extension ? extensions(vsix) : path.join(editor.home, "extensions")];
    const port = await editor.#serve([...places, ...(trust ? ["--disable-workspace-trust"] : [])], environ);
    editor.browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
    editor.context = await editor.browser.newContext({ viewport: size, permissions: ["clipboard-read", "clipboard-write"] });
    editor.page = await editor.context.newPage();
    editor.page.setDefaultTimeout(PATIENCE_MS);
    await editor.page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(editor.workspace)}`);
    await editor.page.waitForSelector(".monaco-workbench");
    return editor;
  }

  /** Load the window anew, as a user who comes back does; the extension is started again. */
  async reload() {
    await this.page.reload();
    await this.page.waitForSelector(".monaco-workbench");
  }

  /** Start code-server and return its port. It gives itself ten seconds to start: on a busy machine it is tried again. */
  async #serve(options, env) {
    this.log = "";
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      this.process = spawn(process.execPath, [
        entry, ...options, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry", "--disable-update-check", this.workspace,
      ], { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
      let said = "";
      for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (chunk) => { said += chunk; });
      await until(() => /HTTP server listening|timed out/.test(said) || this.process.exitCode !== null, () => `code-server does not start: ${said}`);
      this.log += said;
      if (said.includes("HTTP server listening")) return port;
      await this.#stop();
      if (attempt === 5) throw new Error(`code-server does not start: ${this.log}`);
    }
  }

  async #stop() {
    if (!this.process || this.process.exitCode !== null) return;
    const gone = once(this.process, "exit");
    process.kill(-this.process.pid, "SIGTERM");
    await gone;
  }

  async close() {
    await this.browser?.close();
    await this.#stop();
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Save, and return what the file then holds once it satisfies `good`. */
  async saved(name, good = () => true) {
    const file = path.join(this.workspace, name);
    let text = "";
    await until(async () => {
      await this.page.keyboard.press("Control+s");
      const dirty = await this.page.locator(".tab.active.dirty").count();
      text = readFileSync(file, "utf8");
      await sleep(100); // the editor empties a file before it writes it: what is read twice alike is whole
      return dirty === 0 && text !== "" && text === readFileSync(file, "utf8") && good(text);
    }, () => `${name} holds ${JSON.stringify(text)}`);
    return text;
  }

  /** What the extension has logged; it is written to a file by the editor, a moment later. */
  async logged(pattern, patienceMs = undefined) {
    const folder = path.join(this.home, "data/logs");
    let found;
    await until(() => {
      const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith("dlm-fill.log"));
      const text = files.map((name) => readFileSync(path.join(folder, name), "utf8")).join("");
      found = [...text.matchAll(pattern)];
      return found.length > 0;
    }, () => `nothing like ${pattern} was logged`, patienceMs);
    return found;
  }

  /** The processes of the language server that belong to this editor. */
  servers() {
    return this.#processes("dlm-fill\0lsp");
  }

  /** … and those of a server with a scripted model. */
  fakes() {
    return this.#processes("fake_server.py");
  }

  #processes(named) {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(named) && readFileSync(`/proc/${pid}/environ`, "utf8").includes(this.home);
      } catch {
        return false; // it has ended meanwhile
      }
    });
  }

  /** The user's value of a setting, when it satisfies `good`; settings of a machine have a file of their own. */
  async setting(key, good = () => true) {
    let value;
    await until(() => {
      try {
        const [machine, user] = ["Machine", "User"].map((name) => JSON.parse(readFileSync(path.join(this.home, `data/${name}/settings.json`), "utf8")));
        return good(value = machine[key] ?? user[key]);
      } catch {
        return false; // it is being written
      }
    }, () => `${key} is ${JSON.stringify(value)}`);
    return value;
  }
}
