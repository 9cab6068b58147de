// Record what VS Code and the server say to each other in a short session, as fixtures/traffic/vscode.jsonl: `npm run record`.
// The server's tests say it again (tests/lsp_server/test_recorded_traffic.py).
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Editor } from "./editor.mjs";
import { demo, root } from "./setup.mjs";

const recorder = fileURLToPath(new URL("./recorder.mjs", import.meta.url));
const target = path.join(root, "fixtures/traffic/vscode.jsonl");
const MODEL = {
  texts: ["item = self.items[name]", "item.quantity += quantity"], steps: 3,
  others: [["found = self.items.get(name)", "found.quantity += quantity"]],
};
const TWO = demo().replace("        item.quantity += quantity\n", "        ...\n");

/** What a user does: types, accepts a word and the rest, fills two gaps, looks at the other candidate, rejects, fills anew, rewrites. */
async function session(editor) {
  const { keyboard } = editor.page;
  await editor.openFile("inventory.py");
  await editor.status(/ready/);
  await editor.goTo(37, 9);
  await keyboard.press("Shift+End");
  await keyboard.press("Backspace");
  await keyboard.type("it", { delay: 400 });
  await keyboard.press("Alt+Backslash");
  await editor.ghost();
  await keyboard.press("Control+ArrowRight");
  await editor.ghost();
  await keyboard.press("Tab");
  await editor.saved("inventory.py", (text) => text.includes(`        ${MODEL.texts[0]}\n        if quantity`));
  await editor.openFile("two.py");
  await editor.goTo(33, 9);
  await keyboard.press("Shift+End");
  await keyboard.press("Control+d");
  await editor.page.locator('[id="status.editor.selection"]', { hasText: "2 selections" }).waitFor();
  await keyboard.press("Control+Alt+f");
  await editor.reviewing(true);
  await keyboard.press("Alt+BracketRight");
  await editor.page.locator(".codelens-decoration", { hasText: "2 of 2" }).waitFor();
  await keyboard.press("Escape");
  await editor.saved("two.py", (text) => text === TWO);
  await editor.goTo(38, 1);
  await keyboard.press("Control+Alt+p");
  await editor.reviewing(true);
  await keyboard.press("Tab");
  await editor.openFile("windows.py");
  await editor.selectLines(37, 1, 9);
  await editor.command("Rewrite the Selection");
  await editor.pick("What looks wrong");
  await editor.reviewing(true);
  await keyboard.press("Tab");
  await editor.openFile(".env");
  await editor.status(/inactive/);
  await keyboard.press("Control+w");
  await editor.command("dlm-fill: Switch Suggestions On or Off");
  await editor.status(/switched off/);
  await editor.command("dlm-fill: Switch Suggestions On or Off");
  await editor.status(/ready/);
  await editor.command("dlm-fill: Restart the Server"); // ends the first one in order
  await editor.page.waitForTimeout(3000);
  await editor.status(/ready/);
}

const editor = await Editor.open({
  files: { "inventory.py": demo(), "two.py": TWO, "windows.py": demo().replaceAll("\n", "\r\n"), ".env": "TOKEN=1\n" },
  model: () => MODEL,
  first: `[ "$1" != lsp ] || [ "$2" = --recorded ] || exec "${process.execPath}" "${recorder}" "$(dirname "$0")/../traffic" "$0" lsp --recorded`,
});
try {
  await session(editor);
  await editor.picture("recorded");
  const anonymous = (text) => text.replaceAll(editor.workspace, "/workspace").replaceAll(editor.home, "/home/user").replaceAll(root, "/dlm-fill")
    .replaceAll(/"processId":\d+/g, '"processId":null');
  const said = readFileSync(path.join(editor.home, "traffic"), "utf8").trim().split("\n").map((line) => JSON.parse(anonymous(line)));
  const exit = said.findIndex(({ message }) => message.method === "exit");
  if (exit < 0) throw new Error("the first server was not asked to leave");
  const lines = said.slice(0, exit + 1).map(({ from, message }) => JSON.stringify({ from, message }));
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, `${[JSON.stringify({ model: MODEL }), ...lines].join("\n")}\n`);
  console.log(`${target}: ${lines.length} messages`);
} finally {
  await editor.close();
}
