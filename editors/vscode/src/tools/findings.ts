/** What `dlm-fill doctor --json` prints, read and put into words. Knows no VS Code. */
export interface Finding { readonly topic: string; readonly text: string; readonly remedy: string }

const WIDTH = 15;

/** The findings in `printed`. Raises an error that names the remedy if it holds none, as with a server of another version. */
export function readFindings(printed: string): Finding[] {
  let read: unknown;
  try {
    read = JSON.parse(printed);
  } catch {
    read = undefined;
  }
  if (!Array.isArray(read) || !read.every(isFinding)) {
    throw new Error("dlm-fill doctor --json printed no list of findings: install a newer server (dlm-fill: Install the Server)");
  }
  return read;
}

/** A page of text: what to do first, then everything. */
export function reportOf(title: string, findings: readonly Finding[]): string {
  const lacking = findings.filter(({ remedy }) => remedy !== "");
  const lines = [title, ""];
  if (lacking.length === 0) lines.push("Nothing is lacking.");
  else lines.push(lacking.length === 1 ? "One remark, with its remedy:" : `${lacking.length} remarks, each with its remedy:`, "");
  for (const { topic, text, remedy } of lacking) lines.push(...shown(topic, text), ...shown("", `-> ${remedy}`));
  const fine = findings.filter(({ remedy }) => remedy === "");
  if (fine.length > 0) lines.push("", "In order:", "");
  for (const { topic, text } of fine) lines.push(...shown(topic, text));
  return `${lines.join("\n")}\n`;
}

function shown(topic: string, text: string): string[] {
  return text.split(/\r\n|\r|\n/).map((line, index) => `${(index === 0 ? topic : "").padEnd(WIDTH)} ${line}`.trimEnd());
}

function isFinding(value: unknown): value is Finding {
  if (typeof value !== "object" || value === null) return false;
  const { topic, text, remedy } = value as Record<string, unknown>;
  return typeof topic === "string" && typeof text === "string" && typeof remedy === "string";
}
