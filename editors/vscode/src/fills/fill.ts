/** Commands that fill: the selection, placeholders, a rewrite, what the server offers; and the edits that they bring. */
import * as path from "node:path";
import * as vscode from "vscode";
import type { ApplyWorkspaceEditParams, ApplyWorkspaceEditResult, CodeAction, Command, Middleware, TextEdit } from "vscode-languageclient/node";
import type { FillArguments, FillResult, Preview } from "../protocol";
import { get } from "../settings";
import type { Server } from "../server/server";
import type { Change } from "./place";
import { LivePreview } from "./preview";
import { touched } from "./put";
import type { Review } from "./review";

type HandleApplyEdit = NonNullable<NonNullable<Middleware["workspace"]>["handleApplyEdit"]>;

export class Fills implements vscode.Disposable {
  readonly preview = new LivePreview();
  private running = 0;
  /** Where the user was when the fill that is under way was asked for. */
  private asked: { document: vscode.TextDocument; selection: vscode.Selection } | undefined;
  private cancelling = new vscode.CancellationTokenSource();

  constructor(private readonly server: Server, private readonly review: Review, private readonly log: vscode.LogOutputChannel) {}

  /** End the fill that is under way; the server says nothing more of it. */
  cancel(): void {
    this.cancelling.cancel();
  }

  show(preview: Preview): void {
    if (this.running > 0) this.preview.show(preview);
  }

  /** Fill every selection, all of them together; a cursor without a selection stands for its line. */
  async fillSelection(editor: vscode.TextEditor, strength?: number): Promise<void> {
    await this.run(editor, {
      uri: this.uri(editor.document),
      version: editor.document.version,
      ranges: [...editor.selections].sort((a, b) => a.start.compareTo(b.start)).map((selection) =>
        this.range(selection.isEmpty ? editor.document.lineAt(selection.active.line).range : selection)),
      ...(strength === undefined ? {} : { strength }),
    });
  }

  async rewrite(editor: vscode.TextEditor): Promise<void> {
    const choices = [
      { label: "Little", description: "a fifth, what looks wrong most", strength: 0.2 },
      { label: "What looks wrong", description: "two fifths", strength: 0.4 },
      { label: "Much", description: "seven tenths", strength: 0.7 },
      { label: "All of it", description: "the old text is not looked at", strength: 1 },
    ];
    const chosen = await vscode.window.showQuickPick(choices, { title: "dlm-fill: how much is to be written anew?" });
    if (chosen) await this.fillSelection(editor, chosen.strength);
  }

  async placeholders(editor: vscode.TextEditor): Promise<void> {
    const actions = await this.actions(editor);
    const placeholders = actions.find((action) => /placeholder/i.test(action.title));
    if (placeholders) await this.take(editor, placeholders);
    else void vscode.window.showInformationMessage("dlm-fill: no placeholder (... or ___) in this function");
  }

  async refactor(editor: vscode.TextEditor): Promise<void> {
    const actions = await this.actions(editor);
    if (actions.length === 0) {
      void vscode.window.showInformationMessage("dlm-fill: nothing to offer here: select code, or write ... where some is missing");
      return;
    }
    const chosen = await vscode.window.showQuickPick(
      actions.map((action) => ({ label: action.title.replace(/^dlm-fill: /, ""), action })), { title: "dlm-fill" });
    if (chosen) await this.take(editor, chosen.action);
  }

  /** Put the next or previous candidate in the place of the latest fill. */
  async another(editor: vscode.TextEditor, which: "next" | "previous"): Promise<void> {
    const result = await this.execute(editor, `dlm.${which}Candidate`, { uri: this.uri(editor.document) });
    if (result?.candidates !== undefined) this.review.annotate(`${result.candidate ?? 1} of ${result.candidates}`);
  }

  /** The server's edit of one open document becomes one undo step under review; others are applied as they are. */
  readonly handleApplyEdit: HandleApplyEdit = async (params, next) => {
    const asUsual = (): ReturnType<HandleApplyEdit> => next(params, new vscode.CancellationTokenSource().token);
    const client = this.server.client;
    const edit = params.edit.documentChanges?.[0];
    if (!client || params.edit.documentChanges?.length !== 1 || !edit || !("edits" in edit)) return await asUsual();
    const uri = client.protocol2CodeConverter.asUri(edit.textDocument.uri).toString();
    const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === uri);
    const edits = edit.edits.filter((one) => "newText" in one);
    if (!document || edits.length !== edit.edits.length) return await asUsual();
    return await this.apply(document, edit.textDocument.version, edits);
  };

  dispose(): void {
    this.cancelling.dispose();
    this.preview.dispose();
  }

  private async apply(
    document: vscode.TextDocument, version: number | null, edits: readonly TextEdit[],
  ): Promise<ApplyWorkspaceEditResult> {
    if (version !== null && version !== document.version) return { applied: false, failureReason: "the document has changed meanwhile" };
    const changes = edits.map(({ range, newText }) => {
      const offset = document.offsetAt(new vscode.Position(range.start.line, range.start.character));
      const end = document.offsetAt(new vscode.Position(range.end.line, range.end.character));
      return { offset, length: end - offset, text: newText };
    }).sort((a, b) => a.offset - b.offset);
    // The preview's last frame shows what the edit puts there: it stays until then, and no frame shows the old text again.
    try {
      const marked = get<boolean>("review", true, document.uri);
      return { applied: await this.review.apply(document, changes, { marked, cursor: this.cursorAfter(document, changes) }) };
    } finally {
      this.preview.end();
    }
  }

  /** Which change the cursor goes behind: one where it stands; the last, if the user has waited for it; else none, who went on elsewhere stays there. */
  private cursorAfter(document: vscode.TextDocument, changes: readonly Change[]): number | undefined {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document !== document) return undefined;
    const waits = this.asked?.document === document && this.asked.selection.isEqual(editor.selection);
    return touched(document, editor.selections, changes) ?? (waits ? changes.length - 1 : undefined);
  }

  private async actions(editor: vscode.TextEditor): Promise<CodeAction[]> {
    const client = this.server.client;
    if (!client) return [];
    const found = await client.sendRequest<(Command | CodeAction)[] | null>("textDocument/codeAction", {
      textDocument: { uri: this.uri(editor.document) }, range: this.range(editor.selection), context: { diagnostics: [] },
    });
    return (found ?? []).filter((action): action is CodeAction => "kind" in action || "edit" in action || "data" in action);
  }

  /** Do what an action says: as a fill with a live preview where it names ranges, else by its edit. */
  private async take(editor: vscode.TextEditor, action: CodeAction): Promise<void> {
    const client = this.server.client;
    const named = (action.data ?? action.command?.arguments?.[0]) as FillArguments | undefined;
    if (named !== undefined && Array.isArray(named.ranges)) {
      await this.run(editor, named);
      return;
    }
    if (!client) return;
    const resolved = action.edit ? action : await client.sendRequest<CodeAction>("codeAction/resolve", action);
    if (!resolved.edit) return;
    const params: ApplyWorkspaceEditParams = { label: action.title, edit: resolved.edit };
    await this.handleApplyEdit(params, async ({ edit }) => ({
      applied: await vscode.workspace.applyEdit(await client.protocol2CodeConverter.asWorkspaceEdit(edit)),
    }));
  }

  private async run(editor: vscode.TextEditor, fill: FillArguments): Promise<void> {
    this.review.accept();
    void vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    this.running += 1;
    this.asked = { document: editor.document, selection: editor.selection };
    void vscode.commands.executeCommand("setContext", "dlm-fill.filling", true);
    this.cancelling.dispose();
    const { token } = this.cancelling = new vscode.CancellationTokenSource();
    if (get<boolean>("preview", true, editor.document.uri)) {
      this.preview.begin(editor, fill.ranges.map(({ start, end }) =>
        new vscode.Range(start.line, start.character, end.line, end.character)));
    }
    const started = performance.now();
    try {
      const result = await this.execute(editor, "dlm.fill", fill, token);
      const first = this.preview.firstFrameMs;
      this.log.info(
        `fill of ${fill.ranges.length} gaps of ${path.basename(editor.document.fileName)}: ${Math.round(performance.now() - started)} ms, ${this.preview.frames} frames`
        + (first === undefined ? "" : `, the first after ${Math.round(first)} ms`),
      );
      if (result?.applied && result.confidence !== null) this.review.annotate(`confidence ${Math.round(100 * result.confidence)} %`);
    } finally {
      this.running -= 1;
      if (this.running === 0) {
        this.asked = undefined;
        this.preview.end();
        void vscode.commands.executeCommand("setContext", "dlm-fill.filling", false);
      }
    }
  }

  /** Run a command of the server; what it did not do, it has said itself by a message. */
  private async execute(
    editor: vscode.TextEditor, command: string, argument: object, token?: vscode.CancellationToken,
  ): Promise<FillResult | undefined> {
    const client = this.server.client;
    if (!client) return undefined;
    try {
      const params = { command, arguments: [argument] };
      return await client.sendRequest<FillResult>("workspace/executeCommand", params, token ?? new vscode.CancellationTokenSource().token);
    } catch (error) {
      if (token?.isCancellationRequested) return undefined;
      const text = error instanceof Error ? error.message : String(error);
      this.log.error(`${command} in ${editor.document.fileName}: ${text}`);
      void vscode.window.showErrorMessage(`dlm-fill: ${text}`);
      return undefined;
    }
  }

  private uri(document: vscode.TextDocument): string {
    return this.server.client?.code2ProtocolConverter.asUri(document.uri) ?? document.uri.toString();
  }

  private range({ start, end }: vscode.Range): FillArguments["ranges"][number] {
    return { start: { line: start.line, character: start.character }, end: { line: end.line, character: end.character } };
  }
}
