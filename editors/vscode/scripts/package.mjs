// Make dist/dlm-fill.vsix; `--wheel FILE` puts the server's wheel of this platform into it, for machines without network.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, statSync } from "node:fs";
import { basename } from "node:path";

const LARGEST_BYTES = 500_000;
const at = process.argv.indexOf("--wheel");
const wheel = at > 0 ? process.argv[at + 1] : undefined;
const name = wheel ? "dist/dlm-fill-bundled.vsix" : "dist/dlm-fill.vsix";
rmSync("wheel", { recursive: true, force: true });
if (wheel) {
  mkdirSync("wheel");
  copyFileSync(wheel, `wheel/${basename(wheel)}`);
}
copyFileSync("../../LICENSE", "LICENSE");
try {
  execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
  execFileSync(process.execPath, ["node_modules/@vscode/vsce/vsce", "package", "--no-dependencies", "--out", name], {
    stdio: ["ignore", "inherit", "inherit"],
  });
} finally {
  rmSync("LICENSE", { force: true });
  rmSync("wheel", { recursive: true, force: true });
}
const bytes = statSync(name).size;
if (!wheel && bytes > LARGEST_BYTES) throw new Error(`${name} has ${bytes} bytes, and may have ${LARGEST_BYTES}`);
console.log(`editors/vscode/${name}: ${Math.round(bytes / 1000)} kB`);
