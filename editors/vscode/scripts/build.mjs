// Bundle the extension into one file; VS Code brings `vscode` itself.
import { build } from "esbuild";

await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  minify: true,
  sourcemap: process.argv.includes("--debug"),
  legalComments: "none",
});
