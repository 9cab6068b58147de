/** Install the server into the extension's own storage, when the user has said yes. */
import * as fs from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import { NotThere, run } from "./process";
import { installCommands, type Step } from "./steps";

/** The setting server.package where nobody has changed it. */
const DEFAULT = "dlm-fill";

export async function install(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<boolean> {
  const storage = context.globalStorageUri.fsPath;
  const setting = vscode.workspace.getConfiguration("dlm-fill").get<string>("server.package", DEFAULT);
  // A wheel that the user names comes before the one that the extension brings.
  const local = wheelIn(setting) ?? (setting === DEFAULT ? wheelIn(context.asAbsolutePath("wheel")) : undefined);
  const wanted = local ?? setting;
  const machine = vscode.env.remoteName ? `the remote machine (${vscode.env.remoteName})` : "this machine";
  const yes = "Install";
  const answer = await vscode.window.showInformationMessage(
    `Install the dlm-fill server on ${machine}?`,
    {
      modal: true,
      detail: `${local === undefined ? wanted : path.basename(local)} goes into a Python environment of its own (up to 400 MB) in\n${storage}\n`
        + "Nothing else on the machine changes.",
    },
    yes,
  );
  if (answer !== yes) return false;
  fs.mkdirSync(storage, { recursive: true });
  const ways = installCommands({ target: path.join(storage, "server"), wanted, wheels: local && path.dirname(local), platform: process.platform });
  return await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: "dlm-fill: installing the server", cancellable: true },
    async (progress, token) => await tryEach(ways, path.join(storage, "server"), log, progress, token));
}

/** Take the ways in turn until one succeeds. An earlier server stays as it is unless another stands in its place. */
async function tryEach(
  ways: readonly Step[][], target: string, log: vscode.LogOutputChannel,
  progress: vscode.Progress<{ message: string }>, token: vscode.CancellationToken,
): Promise<boolean> {
  const earlier = `${target}.earlier`;
  fs.rmSync(earlier, { recursive: true, force: true });
  if (fs.existsSync(target)) fs.renameSync(target, earlier);
  let trouble = "neither uv nor Python 3.11 or newer was found; install one of them";
  for (const way of ways) {
    try {
      for (const step of way) {
        log.info(`$ ${step.command} ${step.arguments.join(" ")}`);
        progress.report({ message: step.says });
        await run(step.command, step.arguments, { token, hears: (line) => { log.info(line); } });
      }
      fs.rmSync(earlier, { recursive: true, force: true });
      return true;
    } catch (error) {
      fs.rmSync(target, { recursive: true, force: true });
      if (token.isCancellationRequested) break;
      if (!(error instanceof NotThere)) {
        trouble = error instanceof Error ? error.message : String(error);
        log.warn(trouble);
      }
    }
  }
  const kept = fs.existsSync(earlier);
  if (kept) fs.renameSync(earlier, target);
  const rest = kept ? "the one from before stays" : "nothing is left of it";
  if (token.isCancellationRequested) void vscode.window.showInformationMessage(`dlm-fill: the installation was cancelled; ${rest}`);
  else {
    const show = "Show Log";
    void vscode.window.showErrorMessage(`dlm-fill: the server was not installed (${rest}): ${trouble}`, show)
      .then((choice) => { if (choice === show) log.show(); });
  }
  return false;
}

/** The server's wheel in a folder of wheels, the newest if there are several; beside it lie those that it needs. */
function wheelIn(folder: string): string | undefined {
  if (!path.isAbsolute(folder) || !fs.existsSync(folder) || !fs.statSync(folder).isDirectory()) return undefined;
  const wheels = fs.readdirSync(folder).filter((file) => /^dlm_fill-.*\.whl$/.test(file)).map((file) => path.join(folder, file));
  const age = (file: string): number => fs.statSync(file).mtimeMs;
  const [newest] = wheels.sort((a, b) => age(b) - age(a));
  if (newest === undefined) throw new Error(`no wheel of dlm-fill in ${folder}`);
  return newest;
}
