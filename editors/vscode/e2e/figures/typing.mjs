// From a key to the new suggestion on the screen, and who takes the time: VS Code before it asks, the server, VS Code until it is drawn.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Editor } from "../editor.mjs";
import { demo, program } from "../setup.mjs";
import { load, summary } from "./times.mjs";

const recorder = fileURLToPath(new URL("../recorder.mjs", import.meta.url));
const BETWEEN_MS = 300; // slower than the slowest suggestion, so that each belongs to its key
const CODE = `    def cheapest(self, count):
        by_price = sorted(self.items.values(), key=lambda item: item.price)
        return [item.name for item in by_price[:count]]
    def restock(self, name, quantity):
        item = self.items[name]
        item.quantity = max(item.quantity, quantity)
    def worth(self):
        return sum(item.price for item in self.items.values())
`;

/** Note, in the page, when keys go down and when another suggestion than the one before is there: one that shrinks by the key is the same. */
function watch() {
  window.noted = [];
  const ghost = () => [...document.querySelectorAll(".view-lines .ghost-text-decoration, .view-lines .ghost-text")]
    .filter((span) => !span.parentElement?.closest(".ghost-text-decoration, .ghost-text"))
    .map((span) => span.textContent).join("").replaceAll("\u00a0", " ");
  const now = () => performance.timeOrigin + performance.now();
  let down = 0, before = "", shrunk = "";
  window.addEventListener("keydown", (event) => {
    before = ghost();
    shrunk = event.key.length === 1 && before.startsWith(event.key) ? before.slice(1) : "";
    down = now();
  }, true);
  const look = () => {
    const text = ghost();
    if (down === 0 || text === "" || text === before || text === shrunk) return;
    const noted = { down, seen: 0, asSuggested: shrunk !== "" };
    down = 0;
    requestAnimationFrame(() => { // the frame that is about to be drawn; the task after it comes when it has been
      const channel = new MessageChannel();
      channel.port1.onmessage = () => { window.noted.push({ ...noted, seen: now() }); };
      channel.port2.postMessage(0);
    });
  };
  new MutationObserver(look).observe(document.querySelector(".monaco-workbench"), { subtree: true, childList: true, characterData: true });
}

/** When the server was asked for each suggestion, and when it answered with one. */
function answers(file) {
  const asked = new Map(), found = [];
  for (const { at, from, message } of readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line))) {
    if (from === "client" && message.method === "textDocument/inlineCompletion") asked.set(message.id, at);
    if (from === "server" && asked.has(message.id) && message.method === undefined) {
      const { result } = message;
      if ((Array.isArray(result) ? result : result?.items ?? []).length > 0) found.push({ asked: asked.get(message.id), answered: at });
    }
  }
  return found;
}

export async function typing(rounds = 1) {
  const editor = await Editor.open({
    files: { "inventory.py": demo() }, settings: { "editor.autoIndent": "none", "dlm-fill.minConfidence": 0 },
    first: `[ "$1" != lsp ] || exec "${process.execPath}" "${recorder}" "$(dirname "$0")/../traffic" "${program}" "$@"`,
  });
  try {
    await editor.openFile("inventory.py");
    await editor.status(/ready/);
    await editor.goTo(44, 1);
    await editor.page.keyboard.press("End");
    await editor.page.keyboard.press("Enter");
    await editor.page.evaluate(watch);
    for (const key of CODE.repeat(rounds)) {
      await editor.page.keyboard.press(key === "\n" ? "Enter" : key === " " ? "Space" : key);
      await editor.page.waitForTimeout(BETWEEN_MS);
      if (key === "\n") await editor.page.keyboard.press("Escape");
    }
    const noted = await editor.page.evaluate(() => window.noted);
    const found = answers(path.join(editor.home, "traffic"));
    const split = noted.flatMap(({ down, seen }) => {
      const answer = found.findLast(({ asked, answered }) => asked >= down && answered <= seen);
      return answer ? [{ before: answer.asked - down, server: answer.answered - answer.asked, after: seen - answer.answered }] : [];
    });
    const of = (name) => summary(split.map((one) => one[name]));
    return {
      keys: CODE.length * rounds, load: load(), key_to_new_suggestion_ms: summary(noted.map(({ down, seen }) => seen - down)),
      of_which: { vscode_until_it_asks_ms: of("before"), server_ms: of("server"), vscode_until_it_is_drawn_ms: of("after") },
    };
  } finally {
    await editor.close();
  }
}
