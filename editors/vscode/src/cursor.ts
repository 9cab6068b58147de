/** Tells the server where the cursor is, so that the model has read the text around it by the time something is typed. */
import * as vscode from "vscode";
import type { Server } from "./server/server";

const SCHEMES = new Set(["file", "untitled", "vscode-notebook-cell"]);

export function followCursor(server: Server): vscode.Disposable {
  const tell = (editor: vscode.TextEditor | undefined): void => {
    const client = server.client;
    if (!client || !editor || server.life !== "running" || !SCHEMES.has(editor.document.uri.scheme)) return;
    void client.sendNotification("dlm/didMoveCursor", {
      textDocument: { uri: client.code2ProtocolConverter.asUri(editor.document.uri) },
      position: client.code2ProtocolConverter.asPosition(editor.selection.active),
    });
  };
  return vscode.Disposable.from(
    vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
      if (textEditor === vscode.window.activeTextEditor) tell(textEditor);
    }),
    vscode.window.onDidChangeActiveTextEditor(tell),
    server.onDidChange(() => { tell(vscode.window.activeTextEditor); }),
  );
}
