// Make dist/dlm-fill.vsix; `--wheels FOLDER` makes dist/dlm-fill-bundled.vsix, which holds the wheels of the server and all that
// it needs, for this platform and Python: for machines without network.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, rmSync, statSync } from "node:fs";

const LARGEST_BYTES = 500_000;
const at = process.argv.indexOf("--wheels");
const wheels = at > 0 ? process.argv[at + 1] : undefined;
const name = wheels ? "dist/dlm-fill-bundled.vsix" : "dist/dlm-fill.vsix";
/** What holds compiled code is for one platform, and VS Code refuses it on others. */
const target = wheels ? ["--target", `${process.platform}-${process.arch}`] : [];
rmSync("wheel", { recursive: true, force: true });
if (wheels) cpSync(wheels, "wheel", { recursive: true });
copyFileSync("../../LICENSE", "LICENSE");
try {
  execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
  execFileSync(process.execPath, ["node_modules/@vscode/vsce/vsce", "package", "--no-dependencies", "--out", name, ...target], {
    stdio: ["ignore", "inherit", "inherit"],
  });
} finally {
  rmSync("LICENSE", { force: true });
  rmSync("wheel", { recursive: true, force: true });
}
const bytes = statSync(name).size;
if (!wheels && bytes > LARGEST_BYTES) throw new Error(`${name} has ${bytes} bytes, and may have ${LARGEST_BYTES}`);
console.log(`editors/vscode/${name}: ${Math.round(bytes / 1000)} kB`);
