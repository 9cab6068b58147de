// Make dist/dlm-fill.vsix; `--wheels FOLDER` makes dist/dlm-fill-bundled.vsix, too, which holds the wheels of the server and all that
// it needs, for this platform and Python: for machines without network.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, rmSync, statSync } from "node:fs";

const LARGEST_BYTES = 500_000;
const at = process.argv.indexOf("--wheels");

/** Make the extension `name`, with what is in the folder `wheels`, and return its size in bytes. */
function pack(name, wheels) {
  /** What holds compiled code is for one platform, and VS Code refuses it on others. */
  const target = wheels ? ["--target", `${process.platform}-${process.arch}`] : [];
  rmSync("wheel", { recursive: true, force: true });
  if (wheels) cpSync(wheels, "wheel", { recursive: true });
  try {
    execFileSync(process.execPath, ["node_modules/@vscode/vsce/vsce", "package", "--no-dependencies", "--out", name, ...target], {
      stdio: ["ignore", "inherit", "inherit"],
    });
  } finally {
    rmSync("wheel", { recursive: true, force: true });
  }
  const bytes = statSync(name).size;
  console.log(`editors/vscode/${name}: ${Math.round(bytes / 1000)} kB`);
  return bytes;
}

copyFileSync("../../LICENSE", "LICENSE");
try {
  execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
  const bytes = pack("dist/dlm-fill.vsix");
  if (bytes > LARGEST_BYTES) throw new Error(`dist/dlm-fill.vsix has ${bytes} bytes, and may have ${LARGEST_BYTES}`);
  if (at > 0) pack("dist/dlm-fill-bundled.vsix", process.argv[at + 1]);
} finally {
  rmSync("LICENSE", { force: true });
}
