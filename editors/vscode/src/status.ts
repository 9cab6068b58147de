/** The status bar: state, model, device, last latency; a click opens the menu. */
import * as vscode from "vscode";
import type { Latency } from "./latency";
import type { ServerStatus } from "./protocol";
import type { Server } from "./server/server";
import type { Switches } from "./switches";

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("dlm-fill.status", vscode.StatusBarAlignment.Right, 100);
  private readonly subscriptions: vscode.Disposable[];
  private told: ServerStatus | undefined;

  constructor(private readonly server: Server, private readonly latency: Latency, private readonly switches: Switches) {
    this.item.name = "dlm-fill";
    this.item.command = "dlm-fill.menu";
    this.subscriptions = [
      server.onDidChange(() => {
        if (server.life !== "running") this.told = undefined; // another server says its own
        this.draw();
      }),
      switches.onDidChange(() => { this.draw(); }),
      vscode.window.onDidChangeActiveTextEditor(() => { this.draw(); }),
    ];
    this.draw();
    this.item.show();
  }

  hear(status: ServerStatus): void {
    this.told = status;
    this.draw();
  }

  draw(): void {
    const { icon, says, remedy, bad } = this.state();
    this.item.text = `${icon} dlm-fill`;
    this.item.backgroundColor = bad ? new vscode.ThemeColor(`statusBarItem.${bad}Background`) : undefined;
    const lines = [`**dlm-fill**: ${says}`];
    if (this.told && this.server.life === "running") {
      lines.push([this.told.model && `model ${this.told.model}`, this.told.device && `on ${this.told.device}`].filter(Boolean).join(" "));
      const { last } = this.latency;
      if (last !== undefined) {
        lines.push(`last suggestion after ${Math.round(last)} ms (median ${Math.round(this.latency.within(0.5) ?? last)} ms)`);
      }
    }
    if (remedy) lines.push(remedy);
    const tooltip = new vscode.MarkdownString(lines.filter((line) => line !== "").join("\n\n"));
    this.item.tooltip = tooltip;
    this.item.accessibilityInformation = { label: `dlm-fill: ${says}` };
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.item.dispose();
  }

  private state(): { icon: string; says: string; remedy?: string; bad?: "error" | "warning" } {
    const { life, trouble } = this.server;
    if (life === "missing") return { icon: "$(cloud-download)", says: "not installed", remedy: "Click to install the server.", bad: "warning" };
    if (life === "failed") return { icon: "$(error)", says: trouble, remedy: "Click for the remedy.", bad: "error" };
    if (life === "restarting") return { icon: "$(sync~spin)", says: `restarting: ${trouble}`, bad: "warning" };
    if (life !== "running" || this.told === undefined) return { icon: "$(loading~spin)", says: "starting" };
    const paused = this.switches.whyPaused(vscode.window.activeTextEditor?.document);
    switch (this.told.state) {
      case "error": return { icon: "$(error)", says: this.told.message || "error", bad: "error" };
      case "inactive": return { icon: "$(circle-slash)", says: `inactive: ${this.told.message}` };
      case "loading": return { icon: "$(loading~spin)", says: this.told.message || "loading the model" };
      default:
        if (paused !== undefined) return { icon: "$(debug-pause)", says: `paused: ${paused}` };
        return this.told.state === "busy" ? { icon: "$(sync~spin)", says: "filling" } : { icon: "$(sparkle)", says: "ready" };
    }
  }
}
