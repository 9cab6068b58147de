/** The menu behind the status bar, and the way to a server where there is none. */
import * as vscode from "vscode";
import { get, set } from "../settings";
import { install } from "../server/install";
import type { Server } from "../server/server";
import type { Switches } from "../switches";

export async function menu(server: Server, switches: Switches): Promise<void> {
  const language = vscode.window.activeTextEditor?.document.languageId;
  const paused = switches.whyPaused(vscode.window.activeTextEditor?.document);
  const entry = (label: string, command: string, description = ""): { label: string; command: string; description: string } =>
    ({ label, command: `dlm-fill.${command}`, description });
  const missing = server.life === "missing" || server.life === "failed";
  const troubled = missing || server.life === "restarting";
  const chosen = await vscode.window.showQuickPick([
    ...(missing ? [entry("$(cloud-download) Install the server", "installServer", server.trouble)] : []),
    ...(troubled ? [entry("$(pulse) What is wrong?", "doctor", server.trouble)] : []),
    entry(get<boolean>("enabled", true) ? "$(circle-slash) Switch off" : "$(check) Switch on", "toggle"),
    ...(language === undefined ? [] : [
      entry(paused === "in this file" ? "$(debug-start) Go on in this file" : "$(debug-pause) Pause in this file", "pauseHere"),
      entry(paused?.startsWith(`in ${language}`) ? `$(debug-start) Go on in ${language}` : `$(debug-pause) Pause in ${language}`, "pauseLanguage"),
      entry("$(question) What is suggested on this line, and why?", "why"),
    ]),
    entry("$(symbol-misc) Pick the model", "pickModel", get<string>("model", "builtin")),
    entry("$(list-selection) Show candidates side by side", "showCandidates"),
    entry("$(play) Show how the selection is denoised", "showDenoising"),
    ...(troubled ? [] : [entry("$(pulse) Check this machine (doctor)", "doctor")]),
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
  try {
    await install(context, log);
  } finally {
    await server.restart();
  }
}

/** A wrong path is said at once, in a message that leads to the setting. */
export function tellFailure(server: Server): void {
  if (server.life !== "failed") return;
  const [open, wrong] = ["Open Settings", "What Is Wrong?"];
  void vscode.window.showErrorMessage(`dlm-fill: ${server.trouble}`, open, wrong).then((choice) => {
    if (choice === open) void vscode.commands.executeCommand("workbench.action.openSettings", "dlm-fill.server.path");
    else if (choice === wrong) void vscode.commands.executeCommand("dlm-fill.doctor");
  });
}
