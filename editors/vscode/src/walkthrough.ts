/** Checks the walkthrough's steps when what they ask for has been done. */
import * as vscode from "vscode";
import type { Server } from "./server/server";

export type Step = "server" | "suggestion" | "fill";

const AGAIN_MS = 1000;

/**
 * VS Code looks at context keys only once it shows a walkthrough, and a step whose key is true by then is never checked. So keys are true
 * for a moment only, again and again while something is shown that may be the walkthrough.
 */
export class Walkthrough implements vscode.Disposable {
  private readonly done = new Set<Step>();
  private timer: NodeJS.Timeout | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor(server: Server) {
    this.subscriptions = [
      server.onDidChange(() => { if (server.life === "running") this.note("server"); }),
      vscode.window.tabGroups.onDidChangeTabs(() => { this.watch(); }),
      vscode.window.tabGroups.onDidChangeTabGroups(() => { this.watch(); }),
    ];
    this.watch();
  }

  note(step: Step): void {
    this.done.add(step);
    this.tell();
  }

  dispose(): void {
    clearInterval(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private watch(): void {
    // The type of a walkthrough's tab is none that extensions are told.
    const shown = vscode.window.tabGroups.all.some(({ activeTab }) => activeTab !== undefined && activeTab.input === undefined);
    clearInterval(this.timer);
    this.timer = undefined;
    if (!shown) return;
    this.tell();
    this.timer = setInterval(() => { this.tell(); }, AGAIN_MS);
  }

  private tell(): void {
    for (const step of this.done) {
      for (const value of [true, false]) void vscode.commands.executeCommand("setContext", `dlm-fill.done.${step}`, value);
    }
  }
}
