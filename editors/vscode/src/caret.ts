/** Puts the cursor behind accepted ghost text that holds emoji: VS Code leaves it short of the end, at times inside a character. */
import * as vscode from "vscode";
import { shortBy } from "./ends";

export class Caret implements vscode.Disposable {
  /** The latest insertion that VS Code may have misjudged. */
  private latest: { document: vscode.TextDocument; version: number; end: number; short: number } | undefined;
  private readonly subscription = vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    const change = contentChanges.length === 1 ? contentChanges[0] : undefined;
    const short = change ? shortBy(change.text) : 0;
    this.latest = change && short > 0
      ? { document, version: document.version, end: change.rangeOffset + change.text.length, short } : undefined;
  });

  /** Ghost text was accepted just now, all of it or a part. */
  accepted(): void {
    const editor = vscode.window.activeTextEditor;
    const { latest } = this;
    if (!latest || editor?.document !== latest.document || latest.document.version !== latest.version || !editor.selection.isEmpty) return;
    const missing = latest.end - latest.document.offsetAt(editor.selection.active);
    if (missing <= 0 || missing > latest.short) return;
    const end = latest.document.positionAt(latest.end);
    // No selection that is set: it would come to pass after what was typed meanwhile, and take the cursor back. A snippet is refused then.
    void editor.insertSnippet(new vscode.SnippetString("$0"), end, { undoStopBefore: false, undoStopAfter: false });
  }

  dispose(): void {
    this.subscription.dispose();
  }
}
