/** The commands that install the server: uv where it is, else a virtual environment and pip. */
import * as path from "node:path";

export interface Step {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly says: string;
}

interface Wanted {
  /** The folder that the environment is made in. */
  readonly target: string;
  /** What pip is asked for: a name or a wheel. */
  readonly wanted: string;
  /** A folder of wheels that the extension brings. They are for one platform and Python: where they do not fit, an index is asked. */
  readonly wheels?: string | undefined;
  readonly platform: NodeJS.Platform;
}

/** Ways to install, best first; each is a list of steps. With `wheels`, those that need no network come before all others. */
export function installCommands({ target, wanted, wheels, platform }: Wanted): Step[][] {
  const windows = platform === "win32";
  const python = windows ? path.win32.join(target, "Scripts", "python.exe") : path.posix.join(target, "bin", "python");
  const says = { venv: "making an environment …", install: `installing ${path.basename(wanted)} …` };
  const pythons = windows ? ["py", "python"] : ["python3", "python"];
  const from = (options: readonly string[]): Step[][] => [
    [
      { command: "uv", arguments: ["venv", "--quiet", ...(options.includes("--no-index") ? ["--offline"] : []), "--python", ">=3.11", target], says: says.venv },
      { command: "uv", arguments: ["pip", "install", "--python", python, ...options, wanted], says: says.install },
    ],
    ...pythons.flatMap((command) => [
      [
        { command, arguments: ["-m", "venv", target], says: says.venv },
        { command: python, arguments: ["-m", "pip", "install", "--disable-pip-version-check", ...options, wanted], says: says.install },
      ],
      // Debian keeps ensurepip in a package of its own: the machine's pip then installs into the new environment.
      [
        { command, arguments: ["-m", "venv", "--without-pip", target], says: says.venv },
        { command, arguments: ["-m", "pip", "--python", python, "install", "--disable-pip-version-check", ...options, wanted], says: says.install },
      ],
    ]),
  ];
  return wheels === undefined ? from([]) : [...from(["--no-index", "--find-links", wheels]), ...from(["--find-links", wheels])];
}
