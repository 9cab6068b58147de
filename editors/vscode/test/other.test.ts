import { describe, expect, it } from "vitest";
import manifest from "../package.json";
import { shortBy } from "../src/ends";
import { Latency } from "../src/latency";
import { installCommands } from "../src/server/steps";

describe("Latency", () => {
  it("tells the last time and the shares of those kept", () => {
    const latency = new Latency();
    expect([latency.last, latency.within(0.5)]).toEqual([undefined, undefined]);
    for (let ms = 1; ms <= 300; ms++) latency.add(ms);
    expect([latency.last, latency.within(0), latency.within(0.5), latency.within(1)]).toEqual([300, 101, 201, 300]);
  });
});

describe("shortBy", () => {
  it("counts what VS Code leaves out: a unit for each character of two in the last line", () => {
    expect(["", "plain é漢", "'😀'", "'👩‍💻'", "😀\n😀🎉)", "😀\r\nx"].map(shortBy)).toEqual([0, 0, 1, 2, 2, 0]);
  });

  it("is exact where text is put behind text: the sum of code points and shortfall is the length", () => {
    for (let seed = 1; seed < 200; seed++) {
      const text = [...Array(seed % 9).keys()].map((at) => ["a", "😀", "é", "\u{1F469}\u200D", "𝒳"][(seed * (at + 3)) % 5]).join("");
      expect(Array.from(text).length + shortBy(text)).toBe(text.length);
    }
  });
});

describe("installCommands", () => {
  it("tries uv, then Python's own environments, and installs into the target alone", () => {
    const ways = installCommands({ target: "/s/server", wanted: "dlm-fill", platform: "linux" });
    expect(ways.map((way) => way[0]?.command)).toEqual(["uv", "python3", "python3", "python", "python"]);
    for (const way of ways) {
      expect(way.length).toBe(2);
      expect(way[0]?.arguments).toContain("/s/server");
      expect(way[1]?.arguments.at(-1)).toBe("dlm-fill");
      expect([way[1]?.command, ...(way[1]?.arguments ?? [])]).toContain("/s/server/bin/python");
    }
    expect(installCommands({ target: "C:\\s", wanted: "x.whl", platform: "win32" })[1]?.[1]?.command).toBe("C:\\s\\Scripts\\python.exe");
  });

  it("asks no index before the wheels that the extension brings were tried without", () => {
    const ways = installCommands({ target: "/s", wanted: "/w/dlm_fill.whl", wheels: "/w", platform: "linux" });
    const asksIndex = ways.map((way) => !way[1]?.arguments.includes("--no-index"));
    expect(asksIndex).toEqual([...Array<boolean>(5).fill(false), ...Array<boolean>(5).fill(true)]);
    for (const way of ways) expect(way[1]?.arguments.join(" ")).toContain("--find-links /w");
  });
});

describe("package.json", () => {
  const declared = new Set(manifest.contributes.commands.map((command) => command.command));
  it("binds keys and menus to commands that it declares", () => {
    const used = [
      ...manifest.contributes.keybindings, ...Object.values(manifest.contributes.menus).flat(),
    ].flatMap((entry) => ("command" in entry ? [entry.command] : []));
    expect(used.filter((command) => !declared.has(command))).toEqual([]);
  });

  it("takes no key away from an editor in which dlm-fill has nothing to do", () => {
    const general = new Set(["tab", "escape", "ctrl+right"]);
    for (const { key, when } of manifest.contributes.keybindings) {
      if (general.has(key)) expect(when).toMatch(/dlm-fill\.(atFill|filling) |^inlineSuggestionVisible/);
    }
  });
});
