/** Put a fill into a document: one undo step, the cursor at its end if that is where the user is. */
import * as vscode from "vscode";
import type { Change } from "./place";

/** From this minor version of VS Code 1 on, the edit of a snippet can leave the indentation of its lines alone. */
const KEEPS_WHITESPACE = 99;

/** Since later versions than the one whose types are compiled against. */
interface KeepingSnippet extends vscode.SnippetTextEdit { keepWhitespace?: boolean }

/**
 * Make `changes`, all offsets of the text before and in their order; the cursor goes behind the one with index `cursor`, or stays
 * where it is. False if the editor has refused, for example because the document has changed meanwhile.
 */
export async function put(document: vscode.TextDocument, changes: readonly Change[], cursor: number | undefined): Promise<boolean> {
  const edits = changes.map(({ offset, length, text }) => ({
    range: new vscode.Range(document.positionAt(offset), document.positionAt(offset + length)), text,
  }));
  const active = vscode.window.activeTextEditor;
  if (cursor !== undefined && active?.document === document && takesSnippets(changes)) {
    return await vscode.workspace.applyEdit(snippets(document.uri, edits, cursor));
  }
  const shown = vscode.window.visibleTextEditors.find((editor) => editor.document === document);
  if (!shown) {
    const edit = new vscode.WorkspaceEdit();
    for (const { range, text } of edits) edit.replace(document.uri, range, text);
    return await vscode.workspace.applyEdit(edit);
  }
  const { selections } = shown;
  const end = cursor === undefined ? undefined : edits[cursor]?.range.end;
  // The selection and the edit come in one message: no frame shows the new text selected.
  if (end) shown.selection = new vscode.Selection(end, end);
  const applied = await shown.edit((builder) => { for (const { range, text } of edits) builder.replace(range, text); });
  if (!applied && end) shown.selections = selections;
  return applied;
}

/** Which change the cursor goes behind: the last that a selection touches. */
export function touched(document: vscode.TextDocument, selections: readonly vscode.Selection[], changes: readonly Change[]): number | undefined {
  const places = selections.map(({ start, end }) => ({ start: document.offsetAt(start), end: document.offsetAt(end) }));
  const index = changes.findLastIndex(({ offset, length }) => places.some(({ start, end }) => start <= offset + length && offset <= end));
  return index < 0 ? undefined : index;
}

/** Snippets whose text stands for itself; the one with index `cursor` says by `$0` where the cursor goes. */
function snippets(uri: vscode.Uri, edits: readonly { range: vscode.Range; text: string }[], cursor: number): vscode.WorkspaceEdit {
  const edit = new vscode.WorkspaceEdit();
  edit.set(uri, edits.map(({ range, text }, index) => {
    const snippet = new vscode.SnippetString().appendText(text); // escapes what has a meaning in snippets
    if (index === cursor) snippet.appendTabstop(0);
    const one: KeepingSnippet = new vscode.SnippetTextEdit(range, snippet);
    one.keepWhitespace = true;
    return one;
  }));
  return edit;
}

/** An older VS Code would indent every line but the first anew. */
function takesSnippets(changes: readonly Change[]): boolean {
  const minor = Number(/^1\.(\d+)/.exec(vscode.version)?.[1] ?? 0);
  return minor >= KEEPS_WHITESPACE || !changes.some(({ text }) => /[\r\n]/.test(text));
}
