/** Candidates for the cursor, side by side with the code: a read-only document with "Accept" above each. */
import * as vscode from "vscode";
import { candidates } from "./ghost";
import type { Server } from "./server/server";

const SCHEME = "dlm-fill-candidates";

interface Shown { editor: vscode.TextEditor; version: number; range: vscode.Range; text: string; line: number }

export class CandidatesPanel implements vscode.TextDocumentContentProvider, vscode.CodeLensProvider, vscode.Disposable {
  private shown: Shown[] = [];
  private content = "";
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly subscriptions = [
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
    vscode.languages.registerCodeLensProvider({ scheme: SCHEME }, this),
    vscode.commands.registerCommand("dlm-fill.takeCandidate", (index: number) => this.take(index)),
  ];

  constructor(private readonly server: Server) {}

  async open(editor: vscode.TextEditor): Promise<void> {
    const { document } = editor;
    const version = document.version;
    const found = await candidates(this.server, editor);
    if (found.length === 0) {
      void vscode.window.showInformationMessage("dlm-fill: nothing to suggest here");
      return;
    }
    let line = 0;
    const parts: string[] = [];
    this.shown = found.map(({ text, range }, index) => {
      const head = document.lineAt(range.start.line).text.slice(0, range.start.character);
      const part = `${index + 1} of ${found.length}\n${head}${text.replaceAll("\r\n", "\n")}\n\n`;
      const entry = { editor, version, range, text, line };
      line += part.split("\n").length - 1;
      parts.push(part);
      return entry;
    });
    this.content = parts.join("");
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/candidates${/\.\w+$/.exec(document.uri.path)?.[0] ?? ""}` });
    this.changed.fire(uri);
    const panel = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(panel, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: true });
  }

  provideTextDocumentContent(): string {
    return this.content;
  }

  provideCodeLenses(): vscode.CodeLens[] {
    return this.shown.map(({ line }, index) =>
      new vscode.CodeLens(new vscode.Range(line, 0, line, 0), { title: "Accept", command: "dlm-fill.takeCandidate", arguments: [index] }));
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.changed.dispose();
  }

  private async take(index: number): Promise<void> {
    const entry = this.shown[index];
    if (!entry) return;
    const { document } = entry.editor;
    if (document.isClosed || document.version !== entry.version) {
      void vscode.window.showInformationMessage("dlm-fill: the file has changed since; show the candidates again");
      return;
    }
    const editor = await vscode.window.showTextDocument(document, entry.editor.viewColumn);
    await editor.edit((edit) => { edit.replace(entry.range, entry.text); });
    const panel = vscode.window.tabGroups.all.flatMap((group) => group.tabs)
      .find((tab) => tab.input instanceof vscode.TabInputText && tab.input.uri.scheme === SCHEME);
    if (panel) await vscode.window.tabGroups.close(panel);
  }
}
