import { describe, expect, it } from "vitest";
import { Backoff } from "../src/server/backoff";

describe("Backoff", () => {
  it("waits twice as long after each crash, a minute at most, and tells every fifth", () => {
    const backoff = new Backoff(() => 0);
    const crashes = Array.from({ length: 10 }, () => backoff.crashed());
    expect(crashes.map((crash) => crash.waitMs)).toEqual([500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
    expect(crashes.map((crash) => crash.tell)).toEqual([false, false, false, false, true, false, false, false, false, true]);
  });

  it("forgets crashes after three calm minutes, and when the user restarts", () => {
    let now = 0;
    const backoff = new Backoff(() => now);
    for (let crash = 0; crash < 4; crash++) backoff.crashed();
    now += 180_000;
    expect(backoff.crashed().crashes).toBe(5);
    now += 180_001;
    expect(backoff.crashed()).toEqual({ waitMs: 500, tell: false, crashes: 1 });
    backoff.reset();
    expect(backoff.crashed().crashes).toBe(1);
  });
});
