import { describe, expect, it } from "vitest";
import { findServer, NoSuchProgram, type Surroundings } from "../src/server/find";

const where = (files: string[], more: Partial<Surroundings> = {}): Surroundings => ({
  platform: "linux", setting: "", folders: ["/home/me/shop", "/home/me/api"], searchPath: "/usr/local/bin::/usr/bin",
  storage: "/home/me/.storage", isProgram: (file) => files.includes(file), ...more,
});

describe("findServer", () => {
  const setting = "/opt/dlm-fill", workspace = "/home/me/api/venv/bin/dlm-fill";
  const path = "/usr/bin/dlm-fill", installed = "/home/me/.storage/server/bin/dlm-fill";

  it("takes setting, workspace, PATH and storage in this order", () => {
    const all = [setting, workspace, path, installed];
    expect(findServer(where(all, { setting }))).toEqual({ file: setting, origin: "setting" });
    expect(findServer(where(all))).toEqual({ file: workspace, origin: "workspace" });
    expect(findServer(where([path, installed]))).toEqual({ file: path, origin: "PATH" });
    expect(findServer(where([installed]))).toEqual({ file: installed, origin: "installed" });
    expect(findServer(where([]))).toBeUndefined();
  });

  it("starts no program of an untrusted workspace, which has no folders here", () => {
    expect(findServer(where([workspace, path], { folders: [] }))?.origin).toBe("PATH");
  });

  it("names a setting that names no program, and does not go on to another", () => {
    expect(() => findServer(where([path], { setting: "/opt/gone" }))).toThrow(NoSuchProgram);
    expect(() => findServer(where([path], { setting: "/opt/gone" }))).toThrow("/opt/gone");
  });

  it("knows Windows' names and separators", () => {
    const files = ["C:\\shop\\.venv\\Scripts\\dlm-fill.exe", "C:\\tools\\dlm-fill.exe"];
    const windows = { platform: "win32" as const, folders: ["C:\\shop"], searchPath: "C:\\Windows;C:\\tools", storage: "C:\\s" };
    expect(findServer(where(files, windows))?.file).toBe(files[0]);
    expect(findServer(where(files, { ...windows, folders: [] }))?.file).toBe(files[1]);
  });
});
