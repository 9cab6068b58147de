import { describe, expect, it } from "vitest";
import { moved, placesAfter, type Change } from "../src/fills/place";

/** The same numbers each time (mulberry32). */
function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const apply = (text: string, changes: readonly Change[]): string =>
  [...changes].sort((a, b) => b.offset - a.offset)
    .reduce((all, { offset, length, text: put }) => all.slice(0, offset) + put + all.slice(offset + length), text);

describe("places", () => {
  it("are where the new texts stand, for 500 random edits of several gaps", () => {
    const draw = random(1);
    for (let round = 0; round < 500; round++) {
      const text = Array.from({ length: 40 }, () => "abc\n"[draw(4)]).join("");
      let at = 0;
      const changes: Change[] = [];
      for (let gap = 0; gap < 1 + draw(3); gap++) {
        const offset = at + draw(8), length = draw(5);
        changes.push({ offset, length, text: "XYZ".repeat(draw(4)) });
        at = offset + length + 1;
      }
      const after = apply(text, changes);
      placesAfter([...changes].reverse()).forEach(({ start, end }, index) => {
        expect(after.slice(start, end)).toBe(changes[index]?.text);
      });
    }
  });

  it("follow edits beside them and are lost with an edit inside, for 2000 random edits", () => {
    const draw = random(2);
    for (let round = 0; round < 2000; round++) {
      const text = "0123456789".repeat(3);
      const start = draw(25), end = start + 1 + draw(5);
      const change = { offset: draw(28), length: draw(3), text: "xy".slice(draw(3)) };
      const now = moved([{ start, end }], change);
      const touches = change.length === 0
        ? change.offset > start && change.offset < end
        : change.offset < end && change.offset + change.length > start;
      expect(now === undefined).toBe(touches);
      if (now?.[0]) expect(apply(text, [change]).slice(now[0].start, now[0].end)).toBe(text.slice(start, end));
    }
  });
});
