// Shares of a list of times, and of the machine that they were taken on.
import { cpus, loadavg, totalmem } from "node:os";

export const share = (times, part) => {
  const sorted = [...times].sort((a, b) => a - b);
  const at = sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)];
  return at === undefined ? null : Math.round(at * 10) / 10;
};
export const summary = (times) => ({ count: times.length, p50: share(times, 0.5), p95: share(times, 0.95) });
export const load = () => Math.round(loadavg()[0] * 10) / 10;
export const machine = () => `${cpus().length} cores of ${cpus()[0]?.model ?? "an unknown kind"}, ${Math.round(totalmem() / 2 ** 30)} GB`;
