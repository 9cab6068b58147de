// What an editor under test needs: the tools, the packaged extension, programs in the server's place.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, "../../..");
/** Where code-server and playwright-core are; scripts/tools.sh puts them there. */
const tools = process.env.DLM_FILL_EDITOR_TOOLS ?? path.join(root, "editors/vscode/.tools");
export const { chromium } = createRequire(path.join(tools, "package.json"))("playwright-core");
export const entry = path.join(tools, "node_modules/code-server/out/node/entry.js");
export const artefacts = process.env.DLM_FILL_SCREENSHOTS ?? path.join(here, "../dist/screenshots");
export const program = process.env.DLM_FILL_PROGRAM ?? path.join(root, ".venv/bin/dlm-fill");
const python = path.join(path.dirname(program), "python");
/** Longer than any machine under load should need: a test that waits so long has failed. */
export const PATIENCE_MS = 120_000;

export const demo = () => readFileSync(path.join(root, "fixtures/demo/inventory.py"), "utf8");
/** The PATH without any dlm-fill. */
export const pathWithout = (process.env.PATH ?? "").split(":").filter((folder) => !existsSync(path.join(folder, "dlm-fill"))).join(":");

/** An environment in which nothing can be fetched: no index answers, no setting of pip's names another. */
export const noNetwork = {
  PIP_INDEX_URL: "http://127.0.0.1:9/", PIP_EXTRA_INDEX_URL: "", PIP_CONFIG_FILE: "/dev/null", PIP_RETRIES: "0", PIP_FIND_LINKS: "", PIP_NO_CACHE_DIR: "1",
  UV_DEFAULT_INDEX: "http://127.0.0.1:9/", UV_INDEX: "", UV_NO_CONFIG: "1", UV_NO_CACHE: "1", UV_OFFLINE: "1",
  NO_PROXY: "127.0.0.1,localhost", no_proxy: "127.0.0.1,localhost",
  ...Object.fromEntries(["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].map((name) => [name, "http://127.0.0.1:9"])),
};

export async function until(good, trouble, patienceMs = PATIENCE_MS) {
  const end = Date.now() + patienceMs;
  while (!(await good())) {
    if (Date.now() > end) throw new Error(trouble());
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/**
 * A program in the place of dlm-fill: its `lsp` is the real server with a model that writes what `model` says (the fields of
 * tests/lsp_server/fake_server.py), everything else is dlm-fill itself. `first` are lines of shell that run before.
 */
export function scripted(folder, { model, first = "" }) {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "dlm-fill");
  writeFileSync(path.join(folder, "model.json"), JSON.stringify(model ?? {}));
  const serve = model
    ? `[ "$1" != lsp ] || PYTHONPATH="${root}" exec "${python}" "${root}/tests/lsp_server/fake_server.py" "$(cat "${folder}/model.json")"\n`
    : "";
  writeFileSync(file, `#!/bin/sh\n${first}\n${serve}exec "${program}" "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

const unpacked = new Map();

/** The folder with the packaged extension, installed as a user would. */
export function extensions(vsix = path.join(here, "../dist/dlm-fill.vsix")) {
  if (unpacked.has(vsix)) return unpacked.get(vsix);
  const folder = mkdtempSync(path.join(tmpdir(), "dlm-fill-extensions-"));
  unpacked.set(vsix, folder);
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  if (!existsSync(vsix)) throw new Error(`${vsix} is not there: run make vscode`);
  execFileSync(process.execPath, [entry, "--extensions-dir", folder, "--user-data-dir", path.join(folder, ".data"), "--install-extension", vsix], {
    env: { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}' }, stdio: "pipe",
  });
  return folder;
}

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
