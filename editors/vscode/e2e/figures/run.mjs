// How fast the extension is in the real editor: `npm run figures [-- typing fill activation memory install tests]`; the last line is JSON. Each figure
// says the load that it was taken at. `tests` is for who asks: it runs all tests in the editor.
import { fill } from "./fill.mjs";
import { activation, install, memory } from "./start.mjs";
import { tests } from "./tests.mjs";
import { load, machine } from "./times.mjs";
import { typing } from "./typing.mjs";

const usual = { typing, fill, activation, memory, install }, all = { ...usual, tests };
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in all));
if (unknown.length > 0) {
  console.error(`no such figures: ${unknown.join(", ")}; there are ${Object.keys(all).join(", ")}`);
  process.exit(2);
}
const figures = { machine: machine(), load_before: load() };
console.log(figures);
for (const [name, measure] of Object.entries(asked.length > 0 ? all : usual)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  figures[name] = await measure();
  console.log(name, figures[name]);
}
console.log(JSON.stringify(figures));
