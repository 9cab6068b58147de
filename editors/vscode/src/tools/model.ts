/** Pick the model; fetch it first, if it is not here and the user says so. */
import * as vscode from "vscode";
import { get, set } from "../settings";
import type { Server } from "../server/server";

interface Known { id: string; family: string; parameters: number; licence: string; free: boolean; on_disk_bytes: number }

/** Weights are published in two bytes a parameter. */
const BYTES_A_PARAMETER = 2;

export async function pickModel(server: Server, log: vscode.LogOutputChannel): Promise<void> {
  const known = JSON.parse(await server.run(["models", "--json"])) as Known[];
  const now = get<string>("model", "builtin");
  const other = { label: "Another one…", description: "a folder, ORG/NAME, mercury, openai:URL#NAME or llamacpp:URL", detail: "" };
  const chosen = await vscode.window.showQuickPick([
    ...known.map((model) => ({
      label: model.id,
      description: `${size(model.parameters)}, ${model.licence}${model.free ? "" : " (not for commercial use)"}`,
      detail: `${model.id === now ? "in use, " : ""}${model.on_disk_bytes > 0 ? "on this machine" : `not here yet: about ${gigabytes(model)} to fetch`}`,
      model,
    })),
    { ...other, model: undefined },
  ], { title: "dlm-fill: the model", matchOnDescription: true, placeHolder: now });
  if (!chosen) return;
  if (chosen.model) {
    if (chosen.model.on_disk_bytes > 0 || await fetch(server, chosen.model, log)) await set("model", chosen.model.id);
    return;
  }
  const name = await vscode.window.showInputBox({ title: "dlm-fill: the model", prompt: other.description, value: now });
  if (name?.trim()) await set("model", name.trim());
}

/** Fetch a model, with progress and a way out; true if it is here then. What came before a cancel is used by the next try. */
async function fetch(server: Server, model: Known, log: vscode.LogOutputChannel): Promise<boolean> {
  const machine = vscode.env.remoteName ? `the remote machine (${vscode.env.remoteName})` : "this machine";
  const yes = "Fetch";
  const answer = await vscode.window.showInformationMessage(`Fetch ${model.id} to ${machine}?`, {
    modal: true, detail: `About ${gigabytes(model)}, ${model.licence}${model.free ? "" : ", not for commercial use"}. It needs torch, and runs well on a GPU only.`,
  }, yes);
  if (answer !== yes) return false;
  return await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `dlm-fill: fetching ${model.id}`, cancellable: true },
    async (progress, token) => {
      await server.run(["models", "--download", model.id], {
        token,
        hears: (line) => {
          log.info(line);
          progress.report({ message: line.slice(0, 80) });
        },
      });
      return !token.isCancellationRequested;
    });
}

function size(billions: number): string {
  return billions < 1 ? `${Math.round(billions * 1000)} M` : `${Math.round(billions * 10) / 10} B`;
}

function gigabytes({ parameters }: Known): string {
  return `${Math.round(parameters * BYTES_A_PARAMETER * 10) / 10} GB`;
}
