// How long the tests in the real editor take.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { load } from "./times.mjs";

export function tests() {
  const folder = fileURLToPath(new URL("..", import.meta.url));
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.mjs"));
  const before = load(), started = performance.now();
  const { status } = spawnSync(process.execPath, ["--test", "--test-concurrency=1", "--test-reporter=dot", ...files], { cwd: folder, stdio: ["ignore", 2, 2] });
  return { load: [before, load()], passed: status === 0, files: files.length, minutes: Math.round((performance.now() - started) / 6000) / 10 };
}
