/** When to start a server again that has died. */

const FIRST_MS = 500;
const LONGEST_MS = 60_000;
const CALM_MS = 180_000;
/** As many crashes within three minutes are told to the user. */
export const CRASHES_TOLD = 5;

export class Backoff {
  private crashes: number[] = [];

  constructor(private readonly now: () => number = Date.now) {}

  /** Note a crash; return how long to wait, and whether to tell the user. Three calm minutes make up for earlier ones. */
  crashed(): { waitMs: number; tell: boolean; crashes: number } {
    const now = this.now();
    const last = this.crashes.at(-1);
    if (last !== undefined && now - last > CALM_MS) this.crashes = [];
    this.crashes.push(now);
    const crashes = this.crashes.length;
    return {
      waitMs: Math.min(FIRST_MS * 2 ** (crashes - 1), LONGEST_MS),
      tell: crashes % CRASHES_TOLD === 0,
      crashes,
    };
  }

  reset(): void {
    this.crashes = [];
  }
}
