/** The commands that install the server: uv where it is, else a virtual environment and pip. */
import * as path from "node:path";

export interface Step {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly says: string;
}

/** Ways to install `wanted` into the folder `target`, best first; each is a list of steps. */
export function installCommands(target: string, wanted: string, platform: NodeJS.Platform): Step[][] {
  const windows = platform === "win32";
  const python = windows ? path.win32.join(target, "Scripts", "python.exe") : path.posix.join(target, "bin", "python");
  const says = { venv: "making an environment …", install: `installing ${wanted} …` };
  const pythons: Step[] = (windows ? ["py", "python"] : ["python3", "python"]).map((command) => ({
    command, arguments: ["-m", "venv", target], says: says.venv,
  }));
  return [
    [
      { command: "uv", arguments: ["venv", "--quiet", "--python", ">=3.11", target], says: says.venv },
      { command: "uv", arguments: ["pip", "install", "--python", python, wanted], says: says.install },
    ],
    ...pythons.map((venv) => [
      venv,
      { command: python, arguments: ["-m", "pip", "install", "--disable-pip-version-check", wanted], says: says.install },
    ]),
  ];
}
