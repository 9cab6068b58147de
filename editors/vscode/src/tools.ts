/** Commands around the server: menu, model, doctor, statistics, how a fill came about. */
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { get, set } from "./settings";
import { install } from "./server/install";
import type { Server } from "./server/server";
import type { Switches } from "./switches";

export async function menu(server: Server, switches: Switches): Promise<void> {
  const language = vscode.window.activeTextEditor?.document.languageId;
  const paused = switches.whyPaused(vscode.window.activeTextEditor?.document);
  const entry = (label: string, command: string, description = ""): { label: string; command: string; description: string } =>
    ({ label, command: `dlm-fill.${command}`, description });
  const missing = server.life === "missing" || server.life === "failed";
  const chosen = await vscode.window.showQuickPick([
    ...(missing ? [entry("$(cloud-download) Install the server", "installServer", server.trouble)] : []),
    entry(get<boolean>("enabled", true) ? "$(circle-slash) Switch off" : "$(check) Switch on", "toggle"),
    ...(language === undefined ? [] : [
      entry(paused === "in this file" ? "$(debug-start) Go on in this file" : "$(debug-pause) Pause in this file", "pauseHere"),
      entry(paused?.startsWith(`in ${language}`) ? `$(debug-start) Go on in ${language}` : `$(debug-pause) Pause in ${language}`, "pauseLanguage"),
    ]),
    entry("$(symbol-misc) Pick the model", "pickModel", get<string>("model", "builtin")),
    entry("$(list-selection) Show candidates side by side", "showCandidates"),
    entry("$(play) Show how the selection is denoised", "showDenoising"),
    entry("$(pulse) Check this machine (doctor)", "doctor"),
    entry("$(graph) What became of suggestions", "stats"),
    entry("$(key) Set the key of a remote model", "setKey"),
    entry("$(output) Show the log", "showLog"),
    entry("$(refresh) Restart the server", "restart"),
    entry("$(gear) Settings", "settings"),
    entry("$(book) Get started", "walkthrough"),
  ], { title: "dlm-fill" });
  if (chosen?.command === "dlm-fill.settings") await vscode.commands.executeCommand("workbench.action.openSettings", "@ext:dlm-fill.dlm-fill");
  else if (chosen) await vscode.commands.executeCommand(chosen.command);
}

/** Ask once whether to install what is missing; "Not Now" is kept for this window. */
export async function offerInstall(context: vscode.ExtensionContext, server: Server, log: vscode.LogOutputChannel): Promise<void> {
  const [yes, choose] = ["Install…", "Choose a Program…"];
  const answer = await vscode.window.showWarningMessage(
    "dlm-fill: the server was not found in the workspace's environment or on the PATH", yes, choose, "Not Now");
  if (answer === yes) await installAndStart(context, server, log);
  else if (answer === choose) {
    const [file] = (await vscode.window.showOpenDialog({ title: "The program dlm-fill", canSelectMany: false })) ?? [];
    if (file) await set("server.path", file.fsPath);
  }
}

export async function installAndStart(context: vscode.ExtensionContext, server: Server, log: vscode.LogOutputChannel): Promise<void> {
  await server.stopClient();
  await install(context, log);
  await server.restart();
}

interface Known { id: string; family: string; parameters: number; licence: string; free: boolean; on_disk_bytes: number }

export async function pickModel(server: Server): Promise<void> {
  const known = JSON.parse(await server.run(["models", "--json"])) as Known[];
  const other = "Another one…";
  const chosen = await vscode.window.showQuickPick([
    ...known.map((model) => ({
      label: model.id,
      description: `${size(model.parameters)}, ${model.licence}${model.free ? "" : " (not for commercial use)"}`,
      detail: model.on_disk_bytes > 0 ? "on this machine" : `not here yet: dlm-fill models --download ${model.id}`,
    })),
    { label: other, description: "a folder, ORG/NAME, mercury, openai:URL#NAME or llamacpp:URL", detail: "" },
  ], { title: "dlm-fill: the model", matchOnDescription: true });
  const name = chosen?.label === other
    ? await vscode.window.showInputBox({ title: "dlm-fill: the model", value: get<string>("model", "builtin") })
    : chosen?.label;
  if (name?.trim()) await set("model", name.trim());
}

export async function report(server: Server, command: "doctor" | "stats"): Promise<void> {
  const content = await server.run([command]);
  const document = await vscode.workspace.openTextDocument({ content, language: "plaintext" });
  await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preview: true });
}

/** The page of `dlm-fill --trace` for the selected lines, which plays how the fill came about. */
export async function showDenoising(server: Server, editor: vscode.TextEditor): Promise<void> {
  const { document, selection } = editor;
  if (document.isUntitled || document.isDirty) {
    void vscode.window.showInformationMessage("dlm-fill: save the file first: what is on the disk is filled, and nothing is written");
    return;
  }
  const last = selection.end.character === 0 && selection.end.line > selection.start.line ? selection.end.line : selection.end.line + 1;
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "dlm-fill-"));
  const page = path.join(folder, "trace.html");
  try {
    await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "dlm-fill: denoising" }, () =>
      server.run([`${document.uri.fsPath}:${selection.start.line + 1}-${last}`, "--trace", page, "--model", get<string>("model", "builtin")],
        path.dirname(document.uri.fsPath)));
    const panel = vscode.window.createWebviewPanel("dlm-fill.trace", "dlm-fill: denoising", vscode.ViewColumn.Beside,
      { enableScripts: true, localResourceRoots: [] });
    panel.webview.html = await fs.readFile(page, "utf8");
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

function size(billions: number): string {
  return billions < 1 ? `${Math.round(billions * 1000)} M` : `${Math.round(billions * 10) / 10} B`;
}
