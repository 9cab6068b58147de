/** Ghost text: VS Code draws it; here are the keys, and what the server is told of parts that were accepted. */
import * as vscode from "vscode";
import type { InlineCompletionItem, InlineCompletionList, Middleware } from "vscode-languageclient/node";
import type { Latency } from "./latency";
import type { Server } from "./server/server";
import type { Switches } from "./switches";

type Provide = NonNullable<Middleware["provideInlineCompletionItems"]>;

/** A suggestion that stands for so long has been seen. VS Code tells no extension what it draws. */
const SEEN_MS = 100;

/** Nothing is asked of the server where suggestions are paused; how long it took is noted, and `seen` is told of what stands. */
export function provider(switches: Switches, latency: Latency, shown: () => void, seen: (document: vscode.TextDocument) => void): Provide {
  let standing: NodeJS.Timeout | undefined;
  return async (document, position, context, token, next) => {
    clearTimeout(standing);
    const asked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    if (!asked && switches.whyPaused(document) !== undefined) return [];
    const started = performance.now();
    const items = await next(document, position, context, token);
    const count = Array.isArray(items) ? items.length : (items?.items.length ?? 0);
    if (count > 0 && !token.isCancellationRequested) {
      latency.add(performance.now() - started);
      shown();
      const { version } = document;
      standing = setTimeout(() => {
        const editor = vscode.window.activeTextEditor;
        if (editor?.document === document && document.version === version && editor.selection.active.isEqual(position)) seen(document);
      }, SEEN_MS);
    }
    return items;
  };
}

/** `accepted` is told if there was something to accept. */
export async function acceptPart(server: Server, part: "Word" | "Line", accepted: () => void): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  if (!document) return;
  let length = 0;
  const hears = vscode.workspace.onDidChangeTextDocument((event) => {
    if (event.document !== document) return;
    for (const change of event.contentChanges) length += change.text.length;
  });
  try {
    await vscode.commands.executeCommand(`editor.action.inlineSuggest.acceptNext${part}`);
  } finally {
    hears.dispose();
  }
  if (length > 0) {
    accepted();
    await server.client?.sendNotification("dlm/didAccept", { uri: document.uri.toString(), acceptedLength: length });
  }
}

/** What the server offers at the cursor, best first. */
export async function candidates(server: Server, editor: vscode.TextEditor): Promise<{ text: string; range: vscode.Range }[]> {
  const client = server.client;
  if (!client) return [];
  const found = await client.sendRequest<InlineCompletionList | InlineCompletionItem[] | null>("textDocument/inlineCompletion", {
    textDocument: { uri: client.code2ProtocolConverter.asUri(editor.document.uri) },
    position: client.code2ProtocolConverter.asPosition(editor.selection.active),
    context: { triggerKind: 1 },
  });
  const items = Array.isArray(found) ? found : (found?.items ?? []);
  return items.map((item) => ({
    text: typeof item.insertText === "string" ? item.insertText : item.insertText.value,
    range: item.range
      ? client.protocol2CodeConverter.asRange(item.range)
      : new vscode.Range(editor.selection.active, editor.selection.active),
  }));
}
