/** Install the server into the extension's own storage, when the user has said yes. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import { installCommands } from "./steps";

export async function install(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<boolean> {
  const storage = context.globalStorageUri.fsPath;
  const wanted = bundledWheel(context) ?? vscode.workspace.getConfiguration("dlm-fill").get("server.package", "dlm-fill");
  const machine = vscode.env.remoteName ? `the remote machine (${vscode.env.remoteName})` : "this machine";
  const yes = "Install";
  const answer = await vscode.window.showInformationMessage(
    `Install the dlm-fill server on ${machine}?`,
    {
      modal: true,
      detail: `${wanted} goes into a Python environment of its own (about 120 MB) in\n${storage}\nNothing else on the machine changes.`,
    },
    yes,
  );
  if (answer !== yes) return false;
  fs.mkdirSync(storage, { recursive: true });
  const target = path.join(storage, "server");
  return await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: "dlm-fill: installing the server", cancellable: true },
    async (progress, token) => {
      fs.rmSync(target, { recursive: true, force: true });
      let trouble = "neither uv nor Python 3.11 or newer was found; install one of them";
      for (const way of installCommands(target, wanted, process.platform)) {
        try {
          for (const step of way) {
            progress.report({ message: step.says });
            await run(step.command, step.arguments, log, token);
          }
          return true;
        } catch (error) {
          fs.rmSync(target, { recursive: true, force: true });
          if (token.isCancellationRequested) {
            void vscode.window.showInformationMessage("dlm-fill: the installation was cancelled; nothing is left of it");
            return false;
          }
          if (!(error instanceof NotThere)) trouble = error instanceof Error ? error.message : String(error);
        }
      }
      const show = "Show Log";
      void vscode.window
        .showErrorMessage(`dlm-fill: the server was not installed: ${trouble}`, show)
        .then((choice) => { if (choice === show) log.show(); });
      return false;
    },
  );
}

class NotThere extends Error {}

function bundledWheel(context: vscode.ExtensionContext): string | undefined {
  const folder = context.asAbsolutePath("wheel");
  const name = fs.existsSync(folder) ? fs.readdirSync(folder).find((file) => file.endsWith(".whl")) : undefined;
  return name === undefined ? undefined : path.join(folder, name);
}

function run(
  command: string, args: readonly string[], log: vscode.LogOutputChannel, token: vscode.CancellationToken,
): Promise<void> {
  return new Promise((resolve, reject) => {
    log.info(`$ ${command} ${args.join(" ")}`);
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let last = "";
    const hear = (chunk: Buffer): void => {
      const text = chunk.toString().trimEnd();
      if (text !== "") {
        log.info(text);
        last = text.split("\n").at(-1) ?? last;
      }
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    const cancel = token.onCancellationRequested(() => child.kill());
    child.on("error", (error: NodeJS.ErrnoException) => {
      cancel.dispose();
      reject(error.code === "ENOENT" ? new NotThere(command) : error);
    });
    child.on("close", (code) => {
      cancel.dispose();
      if (code === 0) resolve();
      else reject(new Error(`${path.basename(command)}: ${last === "" ? `exit code ${code ?? "none"}` : last}`));
    });
  });
}
