/** How long suggestions took lately, for the status bar. */
const KEPT = 200;

export class Latency {
  private readonly times: number[] = [];

  add(ms: number): void {
    this.times.push(ms);
    if (this.times.length > KEPT) this.times.shift();
  }

  get last(): number | undefined {
    return this.times.at(-1);
  }

  /** The time within which `share` of the suggestions came; undefined before the first. */
  within(share: number): number | undefined {
    const sorted = [...this.times].sort((a, b) => a - b);
    return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)];
  }
}
