// How fast the extension is in the real editor: `npm run figures [-- typing fill start install]`; the last line is JSON.
import { fill } from "./fill.mjs";
import { install, start } from "./start.mjs";
import { typing } from "./typing.mjs";

const all = { typing, fill, start, install };
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in all));
if (unknown.length > 0) {
  console.error(`no such figures: ${unknown.join(", ")}; there are ${Object.keys(all).join(", ")}`);
  process.exit(2);
}
const figures = {};
for (const [name, measure] of Object.entries(all)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  figures[name] = await measure();
  console.log(name, figures[name]);
}
console.log(JSON.stringify(figures));
