// Format the plugin's Lua (`node stylua.mjs`), or check that it is formatted (`--check`). stylua is here as WebAssembly:
// its npm package with a binary fetches that while it is installed, which not every machine may do.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const stylua = createRequire(import.meta.url)('@johnnymorganz/stylua');
const options = Object.fromEntries(
  [...readFileSync(join(here, 'stylua.toml'), 'utf8').matchAll(/^(\w+) = "?(\w+)"?$/gm)].map((m) => [m[1], m[2]]),
);
// A call takes its configuration away: each needs one of its own.
function configuration() {
  const config = stylua.Config.new();
  config.column_width = Number(options.column_width);
  config.indent_type = stylua.IndentType[options.indent_type];
  config.indent_width = Number(options.indent_width);
  config.quote_style = stylua.QuoteStyle[options.quote_style];
  config.syntax = stylua.LuaVersion.LuaJIT;
  return config;
}

let unformatted = 0;
for (const name of readdirSync(here, { recursive: true })) {
  if (!name.endsWith('.lua') || name.split(sep).includes('node_modules')) continue;
  const path = join(here, name);
  const before = readFileSync(path, 'utf8');
  const after = stylua.formatCode(before, configuration(), undefined, stylua.OutputVerification.Full);
  if (after === before) continue;
  if (process.argv.includes('--check')) {
    console.error(`not formatted: ${relative(process.cwd(), path)}`);
    unformatted += 1;
  } else {
    writeFileSync(path, after);
  }
}
process.exit(unformatted ? 1 : 0);
