/** What the server's program tells about itself, as read-only pages: doctor, why nothing comes, statistics, a fill's trace. */
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { get } from "../settings";
import type { Server } from "../server/server";
import type { Switches } from "../switches";
import { readFindings, reportOf, type Finding } from "./findings";

const SCHEME = "dlm-fill-report";

export class Reports implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly pages = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  constructor(private readonly server: Server, private readonly switches: Switches) {}

  /** What this machine has, what it lacks, and what to do about it; first of all what ails the server. */
  async doctor(): Promise<void> {
    const findings = [this.aboutServer()];
    try {
      findings.push(...await this.ask("looking at this machine", ["doctor", "--json"]));
    } catch (error) {
      findings.push({
        topic: "doctor", text: error instanceof Error ? error.message : String(error),
        remedy: "the program does not run: install the server anew (dlm-fill: Install the Server), or name another in dlm-fill.server.path",
      });
    }
    await this.show("doctor", reportOf("dlm-fill on this machine", findings));
  }

  /** Why nothing, or what, is suggested on the line of the cursor. */
  async why(editor: vscode.TextEditor): Promise<void> {
    const { document } = editor;
    const findings = [this.aboutServer()];
    const paused = this.switches.whyPaused(document);
    if (paused !== undefined) findings.push({ topic: "paused", text: `nothing is suggested while you type: ${paused}`, remedy: "dlm-fill: Menu" });
    if (document.uri.scheme === "file") {
      const place = `${document.uri.fsPath}:${editor.selection.active.line + 1}`;
      findings.push(...await this.ask("looking at this file", ["doctor", "--json", place]));
      if (document.isDirty) findings.push({ topic: "file", text: "what is on the disk was looked at", remedy: "save the file and ask again" });
    }
    await this.show("why", reportOf(`dlm-fill in ${path.basename(document.fileName)}, line ${editor.selection.active.line + 1}`, findings));
  }

  async stats(): Promise<void> {
    await this.show("stats", await this.server.run(["stats"]));
  }

  /** The page of `dlm-fill --trace` for the selected lines, which plays how the fill came about. */
  async denoising(editor: vscode.TextEditor): Promise<void> {
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
        this.server.run([
          `${document.uri.fsPath}:${selection.start.line + 1}-${last}`, "--trace", page, "--model", get<string>("model", "builtin"),
        ], { cwd: path.dirname(document.uri.fsPath) }));
      const panel = vscode.window.createWebviewPanel("dlm-fill.trace", "dlm-fill: denoising", vscode.ViewColumn.Beside,
        { enableScripts: true, localResourceRoots: [] });
      panel.webview.html = await fs.readFile(page, "utf8");
    } finally {
      await fs.rm(folder, { recursive: true, force: true });
    }
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.pages.get(uri.path) ?? "";
  }

  dispose(): void {
    this.registered.dispose();
    this.changed.dispose();
  }

  private aboutServer(): Finding {
    const { life, trouble, found } = this.server;
    const program = found ? ` (${found.file}, ${found.origin})` : "";
    const remedies: Partial<Record<typeof life, string>> = {
      missing: "dlm-fill: Install the Server, or name the program in dlm-fill.server.path",
      failed: "correct dlm-fill.server.path, or clear it",
      restarting: "dlm-fill: Restart the Server; dlm-fill: Show the Log tells how it ended",
    };
    return { topic: "server", text: `${life}${program}${trouble === "" ? "" : `: ${trouble}`}`, remedy: remedies[life] ?? "" };
  }

  private async ask(title: string, args: readonly string[]): Promise<Finding[]> {
    return await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: `dlm-fill: ${title}`, cancellable: true },
      async (_, token) => readFindings(await this.server.run(args, { token })));
  }

  private async show(name: string, content: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/dlm-fill ${name}` });
    this.pages.set(uri.path, content);
    this.changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { viewColumn: vscode.ViewColumn.Beside, preview: true });
  }
}
