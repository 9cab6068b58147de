// Reads {before, after, renamed, typescript} from standard input; says "same" if both files mean the same but for the renamed names;
// without `renamed`, if the second declares all that the first does not have from elsewhere.
"use strict";
const { before, after, renamed, typescript } = JSON.parse(require("fs").readFileSync(0, "utf-8"));

function parsed(source) {
  if (typescript) {
    const { ast, scopeManager } = require("@typescript-eslint/parser").parseForESLint(source, { range: true });
    return { ast, manager: scopeManager };
  }
  const { analyze } = require("eslint-scope");
  for (const sourceType of ["module", "commonjs"]) {
    try {
      const ecmaFeatures = { jsx: true };
      const ast = require("espree").parse(source, { ecmaVersion: "latest", sourceType, range: true, ecmaFeatures });
      return { ast, manager: analyze(ast, { ecmaVersion: 2022, sourceType, range: true, jsx: true }) };
    } catch (error) {
      if (sourceType === "commonjs") throw error;
    }
  }
}

// For each identifier that is looked up or declared, in file order: the number of the first that means the same.
function pattern({ manager }) {
  const found = [];
  for (const scope of manager.scopes) {
    for (const variable of scope.variables)
      for (const name of variable.identifiers) found.push([name.range[0], name.name, variable]);
    for (const reference of scope.references)
      found.push([reference.identifier.range[0], reference.identifier.name, reference.resolved]);
  }
  found.sort((a, b) => a[0] - b[0]);
  const unique = found.filter((one, n) => n === 0 || one[0] !== found[n - 1][0]);
  const first = new Map();
  return unique.map(([, name, variable], n) => {
    if (!variable || variable.identifiers.length === 0) return name;
    if (!first.has(variable)) first.set(variable, n);
    return first.get(variable);
  });
}

// The tree without positions, with shorthand written out, and the renamed names as one.
function shape(node, renamed) {
  if (Array.isArray(node)) return node.map((one) => shape(one, renamed));
  if (node === null || typeof node !== "object" || node instanceof RegExp || typeof node === "bigint") return String(node);
  const kept = {};
  for (const [key, value] of Object.entries(node)) {
    if (["start", "end", "range", "loc", "shorthand", "raw", "parent", "tokens", "comments"].includes(key)) continue;
    kept[key] = node.type === "Identifier" && key === "name" ? (renamed[value] ?? value) : shape(value, renamed);
  }
  return kept;
}

// The names that nothing in the file declares.
function undeclared({ manager }) {
  const left = manager.globalScope.through.filter((one) => !one.resolved);
  return new Set(left.map((one) => one.identifier.name));
}

let one;
let other;
try {
  [one, other] = [parsed(before), parsed(after)];
} catch (error) {
  console.log(`does not parse: ${error.message}`);
  process.exit(0);
}
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
if (!renamed) {
  const known = undeclared(one);
  const lost = [...undeclared(other)].filter((name) => !known.has(name));
  console.log(lost.length ? `nothing declares ${lost.join(", ")} any more` : "same");
} else if (!same(shape(one.ast, renamed), shape(other.ast, renamed))) console.log("the tree is another one");
else if (!same(pattern(one), pattern(other))) console.log("a name means something else");
else console.log("same");
