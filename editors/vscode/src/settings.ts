/** Settings: those that the server knows go to it, those of the extension stay here. */
import * as vscode from "vscode";

export const SECTION = "dlm-fill";
/** The extension's own, in settings.own.json; the server would call them unknown. */
const OWN = new Set(["server", "languages", "review"]);

/** What the server is told for `scope`: its own keys, and what the extension decides. */
export function forServer(scope: vscode.Uri | undefined): Record<string, unknown> {
  const all = { ...vscode.workspace.getConfiguration(undefined, scope).get<Record<string, unknown>>(SECTION, {}) };
  const told = Object.fromEntries(Object.entries(all).filter(([key]) => !OWN.has(key)));
  return { ...told, status: true };
}

export function get<T>(key: string, fallback: T, scope?: vscode.Uri): T {
  return vscode.workspace.getConfiguration(SECTION, scope).get(key, fallback);
}

/** Change a setting where it is set: in the workspace if it is set there, else for the user. */
export async function set(key: string, value: unknown): Promise<void> {
  const configuration = vscode.workspace.getConfiguration(SECTION);
  const here = configuration.inspect(key)?.workspaceValue !== undefined;
  await configuration.update(key, value, here ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global);
}
