import { describe, expect, it } from "vitest";
import { gradient, layout, opacityOf } from "../src/fills/layout";

const token = (text: string, confidence = 1, open = false): { text: string; confidence: number; open: boolean } => ({ text, confidence, open });
const texts = (lines: ReturnType<typeof layout>): string[] => lines.map((line) => line.map((piece) => piece.text).join(""));

describe("layout", () => {
  it("puts tokens on the lines of the range", () => {
    expect(texts(layout([token("if"), token(" x:\n    "), token("return\n")], ["", "", ""], 4))).toEqual(["if x:", "    return", ""]);
  });

  it("joins lines that find no room to the last one, without their indentation", () => {
    expect(texts(layout([token("a\n    b\n    c")], ["old"], 4))).toEqual(["a⏎ b⏎ c"]);
    expect(texts(layout([token("a\n    b\n    c")], ["old", "lines"], 4))).toEqual(["a", "    b⏎ c"]);
  });

  it("shows masks, and tabs as wide as the editor", () => {
    expect(texts(layout([token("", 0, true), token("\tx"), token("guess", 0.9, true)], ["old"], 2))).toEqual(["░░  xguess"]);
  });

  it("masks every character of the old lines before anything is known, and keeps their indentation", () => {
    const mask = token("", 0, true);
    expect(texts(layout([mask, mask, mask], ["if x:", "\treturn 1  ", "", "    y"], 4))).toEqual(["░░ ░░", "    ░░░░░░ ░", "", "    ░"]);
    expect(texts(layout([mask, mask, mask], ["    "], 4))).toEqual(["    ░░░"]);
    expect(texts(layout(Array(30).fill(mask) as typeof mask[], [""], 4))).toEqual(["░░░░░░░░"]);
  });

  it("leaves masks over what the text so far does not reach, until it is complete", () => {
    const mask = token("", 0, true);
    expect(texts(layout([token("if y"), mask], ["if x:", "    return 1"], 4))).toEqual(["if y░░", "    ░░░░░░ ░"]);
    expect(texts(layout([token("if y:\n"), mask], ["if x:", "    return 1"], 4))).toEqual(["if y:", "    ░░░░░░ ░"]);
    expect(texts(layout([token("a\nb\nc"), mask], ["if x:", "    return 1"], 4))).toEqual(["a", "b⏎ c░░"]);
    expect(texts(layout([token("if y")], ["if x:", "    return 1"], 4))).toEqual(["if y"]);
  });

  it("dims what is uncertain", () => {
    const shades = [token("a", 0.1), token("a", 0.5), token("a", 1)].map(opacityOf);
    expect(shades).toEqual([...shades].sort((a, b) => a - b));
    expect(shades.at(-1)).toBe(1);
    expect(opacityOf(token("a", 1, true))).toBe(opacityOf(token("a", 0, true)));
    expect(opacityOf(token("a", Number.MAX_VALUE))).toBe(1);
  });

  it("gives each piece its own stretch of the background", () => {
    const [line = []] = layout([token("ab", 1), token("cde", 0)], ["old"], 4);
    expect(gradient(line)).toMatch(/100%, transparent\) 0ch 2ch, .*35%, transparent\) 2ch 5ch\)$/);
  });
});
