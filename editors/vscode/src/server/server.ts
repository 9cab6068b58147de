/** The language server: found, started, watched, started again when it dies. */
import * as fs from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import type { LanguageClient, Middleware } from "vscode-languageclient/node";
import { Backoff } from "./backoff";
import { findServer, NoSuchProgram, type Found } from "./find";
import { keysFor } from "./keys";
import { run, type Running } from "./process";

export type Life = "stopped" | "missing" | "starting" | "running" | "restarting" | "failed";

export class Server implements vscode.Disposable {
  client: LanguageClient | undefined;
  life: Life = "stopped";
  trouble = "";
  found: Found | undefined;
  private readonly backoff = new Backoff();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly connected = new vscode.EventEmitter<LanguageClient>();
  /** A client is about to start: register what listens to it. */
  readonly onWillStart = this.connected.event;
  private timer: NodeJS.Timeout | undefined;
  private generation = 0;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
    private readonly middleware: Middleware,
  ) {}

  /** Start, or start anew; without a program, `life` is "missing". */
  async start(): Promise<void> {
    const mine = ++this.generation;
    clearTimeout(this.timer);
    await this.stopClient();
    if (mine !== this.generation) return;
    try {
      this.found = this.look();
    } catch (error) {
      if (!(error instanceof NoSuchProgram)) throw error;
      this.set("failed", error.message);
      return;
    }
    if (!this.found) {
      this.set("missing", "the server is not installed");
      return;
    }
    this.set("starting", "");
    const client = await this.makeClient(this.found);
    if (mine !== this.generation) return;
    this.client = client;
    this.connected.fire(client);
    try {
      await client.start();
    } catch (error) {
      if (this.client === client) this.died(error instanceof Error ? error.message : String(error));
    }
  }

  async restart(): Promise<void> {
    this.backoff.reset();
    await this.start();
  }

  /** Run `dlm-fill` with `args`, in the environment of the server, and return what it prints. Rejects with its last line if it fails. */
  async run(args: readonly string[], how: Omit<Running, "env"> = {}): Promise<string> {
    const found = this.found ?? this.look();
    if (!found) throw new Error("the server is not installed: use dlm-fill: Install the Server");
    return await run(found.file, args, { ...how, env: { ...process.env, ...await keysFor(this.context.secrets) } });
  }

  dispose(): void {
    this.generation++;
    clearTimeout(this.timer);
    void this.stopClient();
    this.changed.dispose();
    this.connected.dispose();
  }

  async stopClient(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    // A client that is still starting refuses to stop: it is waited for, and its failure has been told.
    try {
      await client?.dispose(2000);
    } catch (error) {
      this.log.debug(`stopping: ${String(error)}`);
    }
  }

  private look(): Found | undefined {
    const folders = vscode.workspace.isTrusted ? (vscode.workspace.workspaceFolders ?? []) : [];
    return findServer({
      platform: process.platform,
      setting: expand(vscode.workspace.getConfiguration("dlm-fill").get("server.path", "")),
      folders: folders.filter((folder) => folder.uri.scheme === "file").map((folder) => folder.uri.fsPath),
      searchPath: process.env["PATH"] ?? "",
      storage: this.context.globalStorageUri.fsPath,
      isProgram: (file) => {
        try {
          fs.accessSync(file, fs.constants.X_OK);
          return fs.statSync(file).isFile();
        } catch {
          return false;
        }
      },
    });
  }

  private async makeClient(found: Found): Promise<LanguageClient> {
    this.log.info(`starting ${found.file} (${found.origin})`);
    const [{ makeClient }, keys] = await Promise.all([import("./client"), keysFor(this.context.secrets)]);
    return makeClient({
      file: found.file, env: { ...process.env, ...keys }, log: this.log, middleware: this.middleware,
      running: (client) => { if (this.client === client) this.set("running", ""); },
      died: (trouble) => { this.died(trouble); },
    });
  }

  /** Start again after a while: half a second at first, twice as long each time, a minute at most. */
  private died(trouble: string): void {
    if (this.life === "restarting" || this.client === undefined) return;
    const { waitMs, tell, crashes } = this.backoff.crashed();
    this.client = undefined;
    this.log.error(`${trouble}; starting again in ${waitMs / 1000} s`);
    this.set("restarting", `${trouble}; starting again`);
    const mine = this.generation;
    this.timer = setTimeout(() => { if (mine === this.generation) void this.start(); }, waitMs);
    if (tell) {
      const [now, wrong, show] = ["Restart Now", "What Is Wrong?", "Show Log"];
      void vscode.window
        .showWarningMessage(`dlm-fill: the server has died ${crashes} times; the next try is in ${Math.round(waitMs / 1000)} s`, now, wrong, show)
        .then((choice) => {
          if (choice === now) void this.restart();
          else if (choice === wrong) void vscode.commands.executeCommand("dlm-fill.doctor");
          else if (choice === show) this.log.show();
        });
    }
  }

  private set(life: Life, trouble: string): void {
    this.life = life;
    this.trouble = trouble;
    void vscode.commands.executeCommand("setContext", "dlm-fill.running", life === "running");
    this.changed.fire();
  }
}

function expand(setting: string): string {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  const home = process.env["HOME"] ?? process.env["USERPROFILE"] ?? "";
  const named = setting.trim().replace("${workspaceFolder}", folder).replace(/^~(?=[/\\])/, home);
  return named === "" || path.isAbsolute(named) ? named : path.join(folder, named);
}
