// Record what VS Code and the server say to each other in a short session, as fixtures/traffic/vscode.jsonl: `npm run record`.
// The server's tests say it again (tests/lsp_server/test_recorded_traffic.py).
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Editor } from "./editor.mjs";
import { demo, root, until } from "./setup.mjs";

const recorder = fileURLToPath(new URL("./recorder.mjs", import.meta.url));
const target = path.join(root, "fixtures/traffic/vscode.jsonl");
/** As in the recordings of Neovim: what the replaying server fills with. */
const FILL = "first + 'é😀'";
const MODEL = { texts: [FILL], others: [["other"]], steps: 2 };
const TWO = demo().replace("        item.quantity += quantity\n", "        ...\n");

/** What a user does: types, accepts a word and the rest, fills two gaps, looks at the other candidate, rejects, fills placeholders, rewrites. */
async function session(editor) {
  const { keyboard } = editor.page;
  await editor.openFile("inventory.py");
  await editor.status(/ready/);
  await editor.goTo(37, 9);
  await keyboard.press("Shift+End");
  await keyboard.press("Backspace");
  await keyboard.type("word = 'é😀'; y = ");
  await editor.ghost((text) => text === FILL);
  await keyboard.type("f");
  await editor.ghost((text) => text === FILL.slice(1));
  await keyboard.press("Control+ArrowRight");
  await editor.ghost((text) => text !== "" && text !== FILL.slice(1));
  await keyboard.press("Tab");
  await keyboard.press("End");
  await keyboard.press("Enter");
  await keyboard.type("z = ");
  await keyboard.press("Alt+Backslash");
  await editor.ghost((text) => text === FILL);
  await keyboard.press("Tab");
  await editor.saved("inventory.py", (text) => text.includes(`        word = 'é😀'; y = ${FILL}\n        z = ${FILL}\n        if quantity`));
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
  await until(() => readFileSync(path.join(editor.home, "traffic"), "utf8").includes('"method":"exit"'), () => "the first server was not asked to leave");
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
  const said = readFileSync(path.join(editor.home, "traffic"), "utf8").trim().split("\n").map((line) => JSON.parse(anonymous(line)))
    .filter(({ from }) => from === "client").map(({ message }) => message);
  const end = said.findIndex(({ method }) => method === "shutdown"); // the replay ends by itself; what follows is the next server's
  const lines = said.slice(0, end).map((message) => JSON.stringify(message));
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, `${lines.join("\n")}\n`);
  console.log(`${target}: ${lines.length} messages`);
} finally {
  await editor.close();
}
