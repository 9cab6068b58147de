/** Masks that turn into code, drawn over the gap while it is filled. */
import * as vscode from "vscode";
import type { Preview } from "../protocol";
import { gradient, layout } from "./layout";

export class LivePreview implements vscode.Disposable {
  /** What stands in the gap is not seen while the preview lies over it; nothing in the document changes. */
  private readonly old = vscode.window.createTextEditorDecorationType({
    textDecoration: "none; display: none", rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private readonly text = vscode.window.createTextEditorDecorationType({});
  private readonly gap = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("editor.wordHighlightBackground"),
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.infoForeground"),
  });
  private editor: vscode.TextEditor | undefined;
  private started = 0;
  private steps = 0;
  /** What is typed meanwhile must be seen: frames are of the text before it, and the marks of the gaps follow it. */
  private readonly hears = vscode.workspace.onDidChangeTextDocument((event) => {
    if (event.document === this.editor?.document && event.contentChanges.length > 0) this.uncover();
  });
  firstFrameMs: number | undefined;

  /** Mark the gaps at once, so that the user sees what will be filled before the first step has come. */
  begin(editor: vscode.TextEditor, ranges: readonly vscode.Range[]): void {
    this.end();
    this.editor = editor;
    this.started = performance.now();
    this.steps = 0;
    this.firstFrameMs = undefined;
    editor.setDecorations(this.gap, [...ranges]);
  }

  show(preview: Preview): void {
    const editor = this.editor;
    if (editor?.document.uri.toString() !== vscode.Uri.parse(preview.uri).toString()) return;
    if (preview.version !== null && preview.version !== editor.document.version) return;
    const old: vscode.Range[] = [];
    const text: vscode.DecorationOptions[] = [];
    for (const hole of preview.holes) {
      const { start, end } = hole.range;
      const whole = new vscode.Range(start.line, start.character, end.line, end.character);
      const lines = editor.document.getText(whole).split(/\r\n|\r|\n/);
      // A range that ends before the first column of a line covers the lines above it only.
      if (end.character === 0 && end.line > start.line) lines.pop();
      const tabSize = typeof editor.options.tabSize === "number" ? editor.options.tabSize : 4;
      layout(hole.tokens, lines, tabSize).forEach((line, index) => {
        const at = new vscode.Position(start.line + index, index === 0 ? start.character : 0);
        if (line.length === 0) return;
        text.push({ range: new vscode.Range(at, at), renderOptions: { before: {
          contentText: line.map((piece) => piece.text).join("").replaceAll(" ", "\u00a0"),
          color: "transparent",
          textDecoration: `none; background-image: ${gradient(line)}; background-clip: text; -webkit-background-clip: text`,
        } } });
      });
      if (!whole.isEmpty) old.push(whole);
    }
    editor.setDecorations(this.old, old);
    editor.setDecorations(this.text, text);
    this.steps += 1;
    this.firstFrameMs ??= performance.now() - this.started;
  }

  get frames(): number {
    return this.steps;
  }

  end(): void {
    this.uncover();
    this.editor?.setDecorations(this.gap, []);
    this.editor = undefined;
  }

  private uncover(): void {
    for (const type of [this.old, this.text]) this.editor?.setDecorations(type, []);
  }

  dispose(): void {
    this.end();
    this.hears.dispose();
    for (const type of [this.gap, this.old, this.text]) type.dispose();
  }
}
