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

  it("ends the program when it is cancelled", async () => {
    let cancel = (): void => undefined;
    const token = { isCancellationRequested: false, onCancellationRequested: (listener: () => void) => {
      cancel = () => { token.isCancellationRequested = true; listener(); };
      return { dispose: () => undefined };
    } };
    const running = node("console.log('begun'); setInterval(() => 0, 1000)", { token, hears: () => { cancel(); } });
    await expect(running).rejects.toThrow(/cancelled/);
  });
});
