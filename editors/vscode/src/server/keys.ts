/** Keys of remote models: kept in SecretStorage, given to the server in its environment, never written to a file. */
import * as vscode from "vscode";

const KEYS = [
  { label: "Mercury (Inception)", variable: "INCEPTION_API_KEY" },
  { label: "OpenAI-style server", variable: "OPENAI_API_KEY" },
  { label: "llama.cpp server", variable: "LLAMA_API_KEY" },
] as const;

export async function keysFor(secrets: vscode.SecretStorage): Promise<Record<string, string>> {
  const keys: Record<string, string> = {};
  for (const { variable } of KEYS) {
    const key = await secrets.get(variable);
    if (key) keys[variable] = key;
  }
  return keys;
}

/** Ask for a key; true if one was stored or removed. */
export async function askForKey(secrets: vscode.SecretStorage): Promise<boolean> {
  const chosen = await vscode.window.showQuickPick(KEYS, { title: "dlm-fill: the key of which service?" });
  if (!chosen) return false;
  const key = await vscode.window.showInputBox({
    title: `dlm-fill: key of ${chosen.label}`, password: true, ignoreFocusOut: true,
    prompt: "Kept in the editor's secret storage. Leave it empty to remove the stored key.",
  });
  if (key === undefined) return false;
  if (key.trim() === "") await secrets.delete(chosen.variable);
  else await secrets.store(chosen.variable, key.trim());
  return true;
}
