/** The extension: what exists, and which command calls what. */
import * as vscode from "vscode";
import type { ConfigurationRequest, LanguageClient, Middleware } from "vscode-languageclient/node";
import { CandidatesPanel } from "./candidates";
import { Caret } from "./caret";
import { followCursor } from "./cursor";
import { Fills } from "./fills/fill";
import { Review } from "./fills/review";
import { acceptPart, provider } from "./ghost";
import { Latency } from "./latency";
import type { Preview, ServerStatus } from "./protocol";
import { askForKey } from "./server/keys";
import { Server } from "./server/server";
import { forServer, SECTION } from "./settings";
import { StatusBar } from "./status";
import { Switches } from "./switches";
import { installAndStart, menu, offerInstall, tellFailure } from "./tools/menu";
import { pickModel } from "./tools/model";
import { Reports } from "./tools/reports";
import { Walkthrough } from "./walkthrough";

export function activate(context: vscode.ExtensionContext): void {
  const started = performance.now();
  const log = vscode.window.createOutputChannel("dlm-fill", { log: true });
  const latency = new Latency();
  const switches = new Switches();
  const middleware: Middleware = {};
  const server = new Server(context, log, middleware);
  const review = new Review();
  const fills = new Fills(server, review, log);
  const panel = new CandidatesPanel(server);
  const reports = new Reports(server, switches);
  const status = new StatusBar(server, latency, switches);
  const walkthrough = new Walkthrough(server);
  const caret = new Caret();
  const accepted = (): void => {
    caret.accepted();
    walkthrough.note("suggestion");
  };
  middleware.provideInlineCompletionItems = provider(switches, latency, () => { status.draw(); }, (document) => {
    void server.client?.sendNotification("dlm/didShow", { uri: server.client.code2ProtocolConverter.asUri(document.uri) });
  });
  middleware.executeCommand = (command, args, next) => {
    if (command === "dlm.didAccept") accepted();
    return next(command, args) as unknown;
  };
  middleware.workspace = {
    handleApplyEdit: fills.handleApplyEdit,
    configuration: (params: { items: { scopeUri?: string; section?: string | null }[] }, token, next: ConfigurationRequest.HandlerSignature) =>
      params.items.every((item) => item.section === SECTION)
        ? params.items.map((item) => forServer(item.scopeUri === undefined ? undefined : vscode.Uri.parse(item.scopeUri)))
        : next(params as never, token),
  };
  context.subscriptions.push(
    log, switches, server, review, fills, panel, reports, status, walkthrough, caret, followCursor(server),
    server.onWillStart((client) => { listen(client, status, fills); }),
    server.onDidChange(() => { log.info(`server: ${server.life} ${server.trouble}`); }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${SECTION}.server`)) void server.restart().then(() => { tellFailure(server); });
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => { if (server.life !== "running") void server.restart(); }),
    ...commands({ context, log, server, switches, fills, review, panel, reports, walkthrough, accepted }),
  );
  void server.start().then(() => {
    tellFailure(server);
    if (server.life === "missing") void offerInstall(context, server, log);
  });
  log.info(`active after ${Math.round(performance.now() - started)} ms`);
}

function listen(client: LanguageClient, status: StatusBar, fills: Fills): void {
  client.onNotification("dlm/status", (told: ServerStatus) => { status.hear(told); });
  client.onNotification("dlm/preview", (preview: Preview) => { fills.show(preview); });
}

interface Parts {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
  server: Server;
  switches: Switches;
  fills: Fills;
  review: Review;
  panel: CandidatesPanel;
  reports: Reports;
  walkthrough: Walkthrough;
  /** Ghost text was accepted, all of it or a part. */
  accepted: () => void;
}

function commands({ context, log, server, switches, fills, review, panel, reports, walkthrough, accepted }: Parts): vscode.Disposable[] {
  const command = (id: string, work: () => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(`dlm-fill.${id}`, async () => {
      try {
        await work();
      } catch (error) {
        log.error(error instanceof Error ? error : String(error));
        void vscode.window.showErrorMessage(`dlm-fill: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  /** A command on the code in front of the user; it says so where there is none, or no server. */
  const onCode = (id: string, work: (editor: vscode.TextEditor) => unknown): vscode.Disposable =>
    command(id, async () => {
      const editor = vscode.window.activeTextEditor;
      if (server.life === "missing") await offerInstall(context, server, log);
      else if (server.life !== "running") void vscode.window.showWarningMessage(`dlm-fill is not ready: ${server.trouble || "starting"}`);
      else if (!editor) void vscode.window.showInformationMessage("dlm-fill: open a file first");
      else await work(editor);
    });
  const vs = (name: string) => vscode.commands.executeCommand(`editor.action.inlineSuggest.${name}`);
  return [
    onCode("trigger", () => vs("trigger")),
    command("acceptWord", () => acceptPart(server, "Word", accepted)),
    command("acceptLine", () => acceptPart(server, "Line", accepted)),
    command("nextSuggestion", () => vs("showNext")),
    command("previousSuggestion", () => vs("showPrevious")),
    command("toggle", () => switches.toggle()),
    command("pauseHere", () => { switches.pauseHere(); }),
    command("pauseLanguage", () => switches.pauseLanguage()),
    onCode("fillSelection", (editor) => fills.fillSelection(editor)),
    onCode("fillPlaceholders", (editor) => fills.placeholders(editor)),
    onCode("rewriteSelection", (editor) => fills.rewrite(editor)),
    onCode("refactor", (editor) => fills.refactor(editor)),
    onCode("nextCandidate", (editor) => fills.another(editor, "next")),
    onCode("previousCandidate", (editor) => fills.another(editor, "previous")),
    command("cancelFill", () => { fills.cancel(); }),
    command("acceptFill", () => {
      review.acceptAndGoOn();
      walkthrough.note("fill");
    }),
    command("rejectFill", () => review.reject()),
    command("compareFill", () => review.compare()),
    onCode("showCandidates", (editor) => panel.open(editor)),
    onCode("showDenoising", (editor) => reports.denoising(editor)),
    command("pickModel", () => pickModel(server, log)),
    command("setKey", async () => { if (await askForKey(context.secrets)) await server.restart(); }),
    command("installServer", () => installAndStart(context, server, log)),
    command("restart", async () => { await server.restart(); tellFailure(server); }),
    command("showLog", () => { log.show(); }),
    command("doctor", () => reports.doctor()),
    onCode("why", (editor) => reports.why(editor)),
    command("stats", () => reports.stats()),
    command("menu", () => menu(server, switches)),
    command("walkthrough", () => vscode.commands.executeCommand("workbench.action.openWalkthrough", "dlm-fill.dlm-fill#start")),
  ];
}
