/** Run a program to its end. Knows no VS Code. */
import { spawn } from "node:child_process";
import * as path from "node:path";

/** There is no such program. */
export class NotThere extends Error {}

/** What a CancellationToken of the editor is, as far as it matters here. */
interface Token { readonly isCancellationRequested: boolean; onCancellationRequested(listener: () => void): { dispose(): unknown } }

export interface Running {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the program, and what it has started, when the user cancels; the promise then rejects. */
  readonly token?: Token;
  /** Gets each line of either stream. */
  readonly hears?: (line: string) => void;
}

/** What the program prints. Rejects with NotThere, or with the last line that it wrote to standard error. */
export async function run(command: string, args: readonly string[], { cwd, env, token, hears }: Running = {}): Promise<string> {
  return await new Promise((resolve, reject) => {
    // A group of its own, so that what the program has started ends with it; Windows has no such groups.
    const group = process.platform !== "win32";
    const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: ["ignore", "pipe", "pipe"], detached: group });
    let printed = "", last = "";
    const hear = (chunk: string): void => {
      for (const line of chunk.split(/[\r\n]+/).filter((text) => text.trim() !== "")) hears?.(line);
    };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      printed += chunk;
      hear(chunk);
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      last = chunk.trim() === "" ? last : (chunk.trim().split(/[\r\n]+/).at(-1) ?? last);
      hear(chunk);
    });
    const cancel = token?.onCancellationRequested(() => {
      try {
        if (group && child.pid !== undefined) process.kill(-child.pid);
        else child.kill();
      } catch { /* it has ended meanwhile */ }
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      cancel?.dispose();
      reject(error.code === "ENOENT" ? new NotThere(command) : error);
    });
    child.on("close", (code, signal) => {
      cancel?.dispose();
      if (token?.isCancellationRequested) reject(new Error(`${path.basename(command)} was cancelled`));
      else if (code === 0) resolve(printed);
      else reject(new Error(`${path.basename(command)}: ${last === "" ? `it ended with ${signal ?? `exit code ${code ?? "none"}`}` : last}`));
    });
  });
}
