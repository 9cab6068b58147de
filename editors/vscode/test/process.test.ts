import { describe, expect, it } from "vitest";
import { NotThere, run } from "../src/server/process";

const node = (script: string, how: Parameters<typeof run>[2] = {}): Promise<string> => run(process.execPath, ["-e", script], how);

describe("run", () => {
  it("returns what the program prints, and lets one hear both streams by lines", async () => {
    const lines: string[] = [];
    expect(await node("console.log('a\\nb'); console.error('c')", { hears: (line) => lines.push(line) })).toBe("a\nb\n");
    expect(lines.sort()).toEqual(["a", "b", "c"]);
  });

  it("rejects with the last line of standard error, else with the exit code", async () => {
    await expect(node("console.error('first\\nlast'); process.exit(3)")).rejects.toThrow(/: last$/);
    await expect(node("process.exit(3)")).rejects.toThrow(/exit code 3/);
  });

  it("tells a program that is not there from one that fails", async () => {
    await expect(run("/nowhere/dlm-fill", [])).rejects.toBeInstanceOf(NotThere);
  });

  it("gives the environment on", async () => {
    expect(await node("process.stdout.write(process.env.KEY)", { env: { ...process.env, KEY: "secret" } })).toBe("secret");
  });

  /** A token, and what cancels it. */
  const cancellable = () => {
    let cancel = (): void => undefined;
    const token = { isCancellationRequested: false, onCancellationRequested: (listener: () => void) => {
      cancel = () => { token.isCancellationRequested = true; listener(); };
      return { dispose: () => undefined };
    } };
    return { token, cancel: () => { cancel(); } };
  };

  it("ends the program when it is cancelled", async () => {
    const { token, cancel } = cancellable();
    await expect(node("console.log('begun'); setInterval(() => 0, 1000)", { token, hears: cancel })).rejects.toThrow(/cancelled/);
  });

  it.skipIf(process.platform === "win32")("ends what the program has started, too, and waits for none of it", async () => {
    const { token, cancel } = cancellable();
    let child = 0;
    const script = "const { pid } = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'inherit' }); console.log(pid); setInterval(() => 0, 1000)";
    const running = node(script, { token, hears: (line) => {
      child = Number(line);
      cancel();
    } });
    await expect(running).rejects.toThrow(/cancelled/);
    await expect.poll(() => {
      try {
        return process.kill(child, 0);
      } catch {
        return false;
      }
    }, { timeout: 60_000 }).toBe(false);
  });
});
