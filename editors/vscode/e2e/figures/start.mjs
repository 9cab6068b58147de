// Activation, the memory of the extension host with and without the extension, and the time from Install to the first suggestion.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { Editor } from "../editor.mjs";
import { demo, pathWithout, root, until } from "../setup.mjs";
import { load, summary } from "./times.mjs";

const STARTS = 24, HOSTS = 3;

/** Proportional set size of the extension host that belongs to `editor`, in MB. */
function hostMegabytes(editor) {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      if (!command.includes("type=extensionHost") || !readFileSync(`/proc/${pid}/environ`, "utf8").includes(editor.home)) continue;
      return Math.round(Number(/Pss:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) / 1000);
    } catch { /* it has ended meanwhile */ }
  }
  return null;
}

/** How long each of so many activations took, as VS Code counts: the code loaded, and `activate` run. */
export async function activation() {
  const editor = await Editor.open({ files: { "inventory.py": demo() } });
  const times = [];
  try {
    while (times.length < STARTS) {
      if (times.length > 0) await editor.reload();
      await editor.openFile("inventory.py");
      await editor.status(/ready/);
      await editor.command("Developer: Show Running Extensions");
      const row = editor.page.locator(".runtime-extensions-editor .monaco-list-row", { hasText: "dlm-fill" }).first();
      await row.waitFor();
      times.push(Number(/(\d+)\s*ms/.exec((await row.innerText()).replaceAll("\u00a0", " "))[1]));
    }
    return { load: load(), ms: times, ...summary(times) };
  } finally {
    await editor.close();
  }
}

async function megabytes(extension) {
  const editor = await Editor.open({ files: { "inventory.py": demo() }, extension });
  try {
    await editor.openFile("inventory.py");
    if (extension) await editor.status(/ready/);
    await editor.page.waitForTimeout(extension ? 3000 : 6000);
    return hostMegabytes(editor);
  } finally {
    await editor.close();
  }
}

export async function memory() {
  const withExtension = [], without = [];
  for (let round = 0; round < HOSTS; round++) {
    withExtension.push(await megabytes(true));
    without.push(await megabytes(false));
  }
  return {
    load: load(), extension_host_mb: withExtension, without_the_extension_mb: without,
    vsix_kb: Math.round(statSync(path.join(root, "editors/vscode/dist/dlm-fill.vsix")).size / 1000),
  };
}

/** From the click on Install to the first suggestion; the server comes as wheels of this checkout, the rest from pip's cache. */
export async function install() {
  execFileSync("make", ["--no-print-directory", "-C", root, "wheel"], { stdio: ["ignore", "ignore", "inherit"] });
  const dist = path.join(root, "dist"); // the wheels of the model's weights are there, too
  const [wheel] = readdirSync(dist).filter((name) => /^dlm_fill-\d.*\.whl$/.test(name))
    .map((name) => path.join(dist, name)).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const editor = await Editor.open({
    files: { "inventory.py": demo() }, environment: { PATH: pathWithout, PIP_FIND_LINKS: dist, UV_FIND_LINKS: dist },
    settings: { "dlm-fill.server.path": "", "dlm-fill.server.package": wheel, "dlm-fill.minConfidence": 0 },
  });
  try {
    await editor.openFile("inventory.py");
    await editor.status(/not installed/);
    await editor.button("Install");
    const started = performance.now();
    const seconds = () => Math.round((performance.now() - started) / 100) / 10;
    await editor.dialog("Install the dlm-fill server", "Install");
    await until(() => editor.servers().length > 0, () => "the server was not installed", 600_000);
    const installed = seconds();
    await editor.status(/ready/);
    const ready = seconds();
    await editor.goTo(37, 9);
    await editor.page.keyboard.press("Shift+End");
    await editor.page.keyboard.type("item = ");
    await until(async () => { // asked again, if time was up before the model had read the file
      await editor.page.keyboard.press("Alt+Backslash");
      return await editor.ghost((text) => text !== "", 5000).catch(() => "") !== "";
    }, () => "nothing is suggested");
    return { load: load(), installed_s: installed, ready_s: ready, first_suggestion_s: seconds() };
  } finally {
    await editor.close();
  }
}
