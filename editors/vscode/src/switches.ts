/** On and off: everywhere, in a language, in one file. */
import * as vscode from "vscode";
import { get, SECTION, set } from "./settings";

export class Switches implements vscode.Disposable {
  private readonly here = new Set<string>();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly subscriptions = [
    vscode.workspace.onDidChangeConfiguration((event) => { if (event.affectsConfiguration(SECTION)) this.changed.fire(); }),
    vscode.workspace.onDidCloseTextDocument((document) => { this.here.delete(document.uri.toString()); }),
  ];

  /** Why nothing is suggested in `document` to who just types; undefined if it is. */
  whyPaused(document: vscode.TextDocument | undefined): string | undefined {
    if (!get<boolean>("enabled", true, document?.uri)) return "switched off (dlm-fill.enabled)";
    if (!get<boolean>("automatic", true, document?.uri)) return "only on request (dlm-fill.automatic)";
    if (document === undefined) return undefined;
    if (this.here.has(document.uri.toString())) return "in this file";
    const languages = get<Record<string, boolean>>("languages", {}, document.uri);
    return languages[document.languageId] === false ? `in ${document.languageId} (dlm-fill.languages)` : undefined;
  }

  async toggle(): Promise<void> {
    await set("enabled", !get<boolean>("enabled", true));
  }

  pauseHere(): void {
    const uri = vscode.window.activeTextEditor?.document.uri.toString();
    if (uri !== undefined && !this.here.delete(uri)) this.here.add(uri);
    this.changed.fire();
    void vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  }

  async pauseLanguage(): Promise<void> {
    const language = vscode.window.activeTextEditor?.document.languageId;
    if (language === undefined) return;
    const languages = { ...get<Record<string, boolean>>("languages", {}) };
    languages[language] = languages[language] === false;
    await set("languages", languages);
    void vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.changed.dispose();
  }
}
