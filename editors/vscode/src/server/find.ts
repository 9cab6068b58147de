/** Where the program `dlm-fill` is. Knows no VS Code, so that it can be tested with any file system. */
import * as path from "node:path";

export interface Surroundings {
  readonly platform: NodeJS.Platform;
  /** The setting `dlm-fill.server.path`; "" if it is not set. */
  readonly setting: string;
  /** Folders of the workspace; none of an untrusted one, whose programs must not run. */
  readonly folders: readonly string[];
  readonly searchPath: string;
  /** The folder into which the extension installs. */
  readonly storage: string;
  readonly isProgram: (file: string) => boolean;
}

export type Origin = "setting" | "workspace" | "PATH" | "installed";

export interface Found {
  readonly file: string;
  readonly origin: Origin;
}

export class NoSuchProgram extends Error {}

/** The program and where it was found; undefined if there is none. Throws NoSuchProgram if the setting names none. */
export function findServer(where: Surroundings): Found | undefined {
  const join = (...parts: string[]): string => (where.platform === "win32" ? path.win32 : path.posix).join(...parts);
  const program = where.platform === "win32" ? "dlm-fill.exe" : "dlm-fill";
  const scripts = where.platform === "win32" ? "Scripts" : "bin";
  if (where.setting !== "") {
    if (where.isProgram(where.setting)) return { file: where.setting, origin: "setting" };
    throw new NoSuchProgram(
      `the setting dlm-fill.server.path names no program: ${where.setting}. Correct it, or clear it to have the server found`,
    );
  }
  const separator = where.platform === "win32" ? ";" : ":";
  const candidates: Found[] = [
    ...where.folders.flatMap((folder) =>
      [".venv", "venv"].map((name) => ({ file: join(folder, name, scripts, program), origin: "workspace" as const })),
    ),
    ...where.searchPath
      .split(separator)
      .filter((folder) => folder !== "")
      .map((folder) => ({ file: join(folder, program), origin: "PATH" as const })),
    { file: installedProgram(where.storage, where.platform), origin: "installed" },
  ];
  return candidates.find((candidate) => where.isProgram(candidate.file));
}

/** The program in the extension's own storage, whether or not it is there. */
export function installedProgram(storage: string, platform: NodeJS.Platform): string {
  return platform === "win32"
    ? path.win32.join(storage, "server", "Scripts", "dlm-fill.exe")
    : path.posix.join(storage, "server", "bin", "dlm-fill");
}
