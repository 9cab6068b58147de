// Write package.json's settings from ../settings.schema.json (the server's) and settings.own.json (the extension's).
// `--check` writes nothing and fails if package.json differs: continuous integration runs it.
import { readFileSync, writeFileSync } from "node:fs";

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
const schema = read("../../settings.schema.json");
const own = read("../settings.own.json");
const manifestFile = new URL("../package.json", import.meta.url);
const manifest = read("../package.json");

/** What the extension decides itself: it draws the status and the completion list is VS Code's own ghost text. */
const HIDDEN = new Set(["status", "completionList"]);
/** Which keys a workspace must not set before the user trusts it: they choose what is loaded or asked. */
const RESTRICTED = ["model", "device", "sendOtherFiles"];
const DEFAULTS = { preview: true };
const DESCRIPTIONS = { preview: "Show a fill in the editor while masks turn into code." };

const properties = {};
for (const [key, value] of Object.entries(schema.properties)) {
  if (HIDDEN.has(key)) continue;
  properties[`dlm-fill.${key}`] = {
    ...value,
    ...(value.enum && !value.type ? { type: "string" } : {}),
    scope: RESTRICTED.includes(key) ? "machine-overridable" : "resource",
    ...(key in DEFAULTS ? { default: DEFAULTS[key], description: DESCRIPTIONS[key] } : {}),
  };
}
Object.assign(properties, own.properties);
manifest.contributes.configuration = { title: "dlm-fill", properties };
manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = [
  ...RESTRICTED.map((key) => `dlm-fill.${key}`),
  ...own.restricted,
];

const made = `${JSON.stringify(manifest, null, 2)}\n`;
if (process.argv.includes("--check")) {
  if (made !== readFileSync(manifestFile, "utf8")) {
    console.error("editors/vscode/package.json is not up to date: run `npm run manifest` in editors/vscode");
    process.exit(1);
  }
} else {
  writeFileSync(manifestFile, made);
}
