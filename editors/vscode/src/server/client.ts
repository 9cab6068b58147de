/** The client of the language server's protocol. Loading it takes longer than all else that activation does: it is imported when a server is started. */
import * as vscode from "vscode";
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn, State, type Middleware } from "vscode-languageclient/node";

/** Shows no message of its own: the user is told by `Server`, with a remedy; the words of the protocol go to the log. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

export interface Wiring {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: vscode.LogOutputChannel;
  readonly middleware: Middleware;
  /** The server answers. */
  readonly running: (client: LanguageClient) => void;
  /** The server has ended, and nobody has asked it to. */
  readonly died: (trouble: string) => void;
}

export function makeClient({ file, env, log, middleware, running, died }: Wiring): LanguageClient {
  const further = vscode.workspace.getConfiguration("dlm-fill").get<string[]>("server.arguments", []);
  const client = new QuietClient(
    "dlm-fill",
    "dlm-fill",
    { command: file, args: ["lsp", ...further], options: { env } },
    {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }, { scheme: "vscode-notebook-cell" }],
      outputChannel: log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: { preview: true, status: true },
      middleware,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          died("the server has ended unexpectedly");
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
      initializationFailedHandler: () => false,
    },
  );
  client.onDidChangeState(({ newState }) => { if (newState === State.Running) running(client); });
  return client;
}
