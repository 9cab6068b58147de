import { describe, expect, it } from "vitest";
import { readFindings, reportOf } from "../src/tools/findings";

const FINE = { topic: "machine", text: "2 cores", remedy: "" };
const LACKING = { topic: "library", text: "no keyring\nat all", remedy: "pip install keyring" };

describe("readFindings", () => {
  it("reads what the doctor prints", () => {
    expect(readFindings(JSON.stringify([FINE, LACKING]))).toEqual([FINE, LACKING]);
    expect(readFindings("[]")).toEqual([]);
  });

  it("names the remedy for a program that prints something else", () => {
    for (const printed of ["", "nothing is lacking", "{}", "[1]", '[{"topic": "a", "text": "b"}]', "null"]) {
      expect(() => readFindings(printed)).toThrow(/newer server/);
    }
  });
});

describe("reportOf", () => {
  it("puts what is lacking first, with its remedy", () => {
    const lines = reportOf("title", [FINE, LACKING]).split("\n");
    expect(lines.indexOf("library         no keyring")).toBeGreaterThan(0);
    expect(lines.indexOf("library         no keyring")).toBeLessThan(lines.indexOf("machine         2 cores"));
    expect(lines).toContain("                at all");
    expect(lines).toContain("                -> pip install keyring");
    expect(lines).toContain("One remark, with its remedy:");
  });

  it("says that nothing is lacking", () => {
    expect(reportOf("title", [FINE])).toContain("Nothing is lacking.");
  });
});
