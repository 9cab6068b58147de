/** What was filled last, marked until the user accepts or rejects it. */
import * as vscode from "vscode";
import { moved, placesAfter, type Change, type Place } from "./place";
import { put } from "./put";

const LONG_LINES = 12;

/** Put the cursor there. Where it is there already it is left alone: it may be further by the time the editor hears of it. */
function goTo(editor: vscode.TextEditor, end: vscode.Position): void {
  if (!editor.selection.isEmpty || !editor.selection.active.isEqual(end)) editor.selection = new vscode.Selection(end, end);
}

interface Reviewed {
  readonly document: vscode.TextDocument;
  places: Place[];
  readonly before: string;
  readonly old: readonly string[];
  /** The version that the fill made: while it holds, undo takes back the fill and nothing else. */
  version: number;
  note: string;
}

export class Review implements vscode.Disposable, vscode.CodeLensProvider, vscode.TextDocumentContentProvider {
  static readonly scheme = "dlm-fill-before";
  private now: Reviewed | undefined;
  private applying: vscode.TextDocument | undefined;
  private readonly told = new Map<string, boolean>();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private readonly filled = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor("diffEditor.insertedTextBackground"),
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.addedForeground"),
  });
  private readonly subscriptions = [
    vscode.workspace.onDidChangeTextDocument((event) => { this.edited(event); }),
    vscode.workspace.onDidCloseTextDocument((document) => { if (document === this.now?.document) this.accept(); }),
    vscode.window.onDidChangeVisibleTextEditors(() => { this.draw(); }),
    vscode.window.onDidChangeActiveTextEditor(() => { this.tellKeys(); }),
    vscode.window.onDidChangeTextEditorSelection(() => { this.tellKeys(); }),
    vscode.languages.registerCodeLensProvider({ scheme: "*" }, this),
    vscode.workspace.registerTextDocumentContentProvider(Review.scheme, this),
  ];

  /** Make `changes`, in their order, the whole of it one undo step, with the cursor behind the one that is named; what they put there is under review if `marked`. */
  async apply(
    document: vscode.TextDocument, changes: readonly Change[], { marked, cursor }: { marked: boolean; cursor: number | undefined },
  ): Promise<boolean> {
    const earlier = this.now?.document === document && this.now.places.length === changes.length ? this.now : undefined;
    const before = earlier?.before ?? document.getText();
    const text = document.getText();
    const editor = vscode.window.visibleTextEditors.find((shown) => shown.document === document);
    this.clear();
    this.applying = document;
    let applied: boolean;
    try {
      applied = await put(document, changes, cursor);
    } finally {
      this.applying = undefined;
    }
    if (!applied) return false;
    const ends = document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n";
    const places = placesAfter(changes.map((change) => ({ ...change, text: change.text.replace(/\r\n|\r|\n/g, ends) })));
    const place = cursor === undefined ? undefined : places[cursor];
    if (editor && place) {
      const end = document.positionAt(place.end);
      goTo(editor, end);
      editor.revealRange(new vscode.Range(document.positionAt(place.start), end), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    }
    if (marked) {
      // Another candidate in the place of the first: rejecting it brings back what stood there before both.
      const old = earlier?.old ?? changes.map(({ offset, length }) => text.slice(offset, offset + length));
      this.now = { document, places, before, old, version: earlier ? -1 : document.version, note: "" };
      this.draw();
    }
    return true;
  }

  get active(): boolean {
    return this.now !== undefined;
  }

  /** Say beside Accept and Reject what is known of the fill. */
  annotate(note: string): void {
    if (this.now) {
      this.now.note = note;
      this.changed.fire();
    }
  }

  accept(): void {
    this.clear();
  }

  /** Accept at the user's word: who stands in a fill goes on behind it. */
  acceptAndGoOn(): void {
    const editor = vscode.window.activeTextEditor;
    const review = this.now?.document === editor?.document ? this.now : undefined;
    if (review && editor) {
      const at = review.document.offsetAt(editor.selection.active);
      const place = review.places.find(({ start, end }) => start <= at && at <= end);
      const end = review.document.positionAt(place?.end ?? at);
      if (place) goTo(editor, end);
    }
    this.accept();
  }

  /** Put back what stood there: by undo, if nothing was edited since; else in one edit, and later edits stay. */
  async reject(): Promise<void> {
    const review = this.now;
    if (!review) return;
    this.clear();
    const { document } = review;
    const active = vscode.window.activeTextEditor?.document === document;
    if (active && document.version === review.version) {
      await vscode.commands.executeCommand("undo");
      if (document.getText() === review.before) return;
    }
    const edit = new vscode.WorkspaceEdit();
    review.places.forEach((place, index) => {
      const range = new vscode.Range(document.positionAt(place.start), document.positionAt(place.end));
      edit.replace(document.uri, range, review.old[index] ?? "");
    });
    await vscode.workspace.applyEdit(edit);
  }

  async compare(): Promise<void> {
    const review = this.now;
    if (!review) return;
    const before = review.document.uri.with({ scheme: Review.scheme });
    await vscode.commands.executeCommand("vscode.diff", before, review.document.uri, "dlm-fill: before ↔ filled", { preview: true });
  }

  provideTextDocumentContent(): string {
    return this.now?.before ?? "";
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const review = this.now;
    const first = review?.places[0];
    if (review?.document !== document || !first) return [];
    const at = new vscode.Range(document.positionAt(first.start), document.positionAt(first.start));
    const lens = (title: string, command: string): vscode.CodeLens =>
      new vscode.CodeLens(at, { title, command: `dlm-fill.${command}` });
    const lines = document.positionAt(review.places.at(-1)?.end ?? 0).line - at.start.line + 1;
    return [
      lens("✓ Accept (Tab)", "acceptFill"), lens("✗ Reject (Esc)", "rejectFill"), lens("Next candidate (Alt+])", "nextCandidate"),
      lens(lines > LONG_LINES ? `Compare ${lines} lines` : "Compare", "compareFill"),
      ...(review.note === "" ? [] : [lens(review.note, "showLog")]),
    ];
  }

  dispose(): void {
    this.clear();
    for (const subscription of this.subscriptions) subscription.dispose();
    this.filled.dispose();
    this.changed.dispose();
  }

  private edited(event: vscode.TextDocumentChangeEvent): void {
    const review = this.now;
    if (review?.document !== event.document || this.applying === event.document || event.contentChanges.length === 0) return;
    let places: Place[] | undefined = review.places;
    for (const { rangeOffset, rangeLength, text } of event.contentChanges) {
      places = places && moved(places, { offset: rangeOffset, length: rangeLength, text });
    }
    if (places === undefined || event.reason !== undefined) this.clear();
    else {
      review.places = places;
      this.draw();
    }
  }

  private draw(): void {
    const review = this.now;
    for (const editor of vscode.window.visibleTextEditors) {
      const places = review?.document === editor.document ? review.places : [];
      editor.setDecorations(this.filled, places.map((place) =>
        new vscode.Range(editor.document.positionAt(place.start), editor.document.positionAt(place.end))));
    }
    this.tellKeys();
    this.changed.fire();
  }

  /** Buttons are for the file under review, keys for who is at the fill: Tab indents and Esc closes things everywhere else. */
  private tellKeys(): void {
    const active = vscode.window.activeTextEditor;
    const review = this.now?.document === active?.document ? this.now : undefined;
    const at = review && active ? review.document.offsetAt(active.selection.active) : -1;
    const line = (offset: number): number => review?.document.positionAt(offset).line ?? -1;
    const tell = (key: string, value: boolean): void => {
      if (this.told.get(key) === value) return;
      this.told.set(key, value);
      void vscode.commands.executeCommand("setContext", `dlm-fill.${key}`, value);
    };
    tell("reviewing", review !== undefined);
    tell("atFill", review?.places.some(({ start, end }) => line(start) <= line(at) && line(at) <= line(end)) ?? false);
  }

  private clear(): void {
    if (!this.now) return;
    this.now = undefined;
    this.draw();
    const diffs = vscode.window.tabGroups.all.flatMap((group) => group.tabs)
      .filter(({ input }) => input instanceof vscode.TabInputTextDiff && input.original.scheme === Review.scheme);
    if (diffs.length > 0) void vscode.window.tabGroups.close(diffs);
  }
}
