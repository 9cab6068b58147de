// Bundle the extension into two files: what VS Code waits for, and the language client, which is loaded when a server is started.
// VS Code brings `vscode` itself.
import { build } from "esbuild";

await build({
  entryPoints: { extension: "src/extension.ts", client: "src/server/client.ts" },
  outdir: "dist",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  supported: { "dynamic-import": false }, // `vscode` is there for who is required, by VS Code's own way
  external: ["vscode"],
  minify: true,
  sourcemap: process.argv.includes("--debug"),
  legalComments: "none",
  plugins: [{
    name: "client apart",
    setup({ onResolve }) {
      onResolve({ filter: /^\.\/client$/ }, ({ kind }) => (kind === "dynamic-import" ? { path: "./client.js", external: true } : undefined));
    },
  }],
});
