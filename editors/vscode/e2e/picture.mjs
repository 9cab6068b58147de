// The pictures of the README, from the real editor with the built-in model: `npm run picture` writes docs/images/vscode-denoising.gif (code
// comes in two places, then Tab accepts) and docs/images/vscode-fill.png. `npm run picture -- 3` shows the fill three times slower than it was.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Editor } from "./editor.mjs";
import { program, root } from "./setup.mjs";

const LARGEST_BYTES = 1_000_000;
const BEFORE_MS = 1000, REVIEWED_MS = 2000, ACCEPTED_MS = 2500;
const slower = Number(process.argv[2] ?? 1);
const images = path.join(root, "docs/images");
/** Two gaps of which the rest says what belongs there. */
const CODE = `def mean(values):
    """Return the mean, or 0 without values."""
    if not values:
        return 0
    ...


def variance(values):
    """Return the mean of squared differences."""
    middle = mean(values)
    ...
`;

/** What the browser draws from now on: {at: seconds, png}. */
async function screencast(page) {
  const session = await page.context().newCDPSession(page), frames = [];
  session.on("Page.screencastFrame", ({ data, metadata, sessionId }) => {
    frames.push({ at: metadata.timestamp, png: Buffer.from(data, "base64") });
    void session.send("Page.screencastFrameAck", { sessionId }).catch(() => undefined);
  });
  await session.send("Page.startScreencast", { format: "png", everyNthFrame: 1 });
  return { frames, stop: () => session.send("Page.stopScreencast") };
}

const folder = mkdtempSync(path.join(tmpdir(), "dlm-fill-picture-"));
const editor = await Editor.open({
  files: { "shop.py": CODE }, size: { width: 700, height: 440 },
  settings: {
    "dlm-fill.automatic": false, "dlm-fill.maxTimeMs": 60_000, "workbench.activityBar.location": "hidden", "editor.fontSize": 15,
    "workbench.colorTheme": "Default Dark Modern", "breadcrumbs.enabled": false, "editor.occurrencesHighlight": "off", "editor.cursorBlinking": "solid",
  },
});
try {
  const { page } = editor;
  await editor.openFile("shop.py");
  await editor.status(/only on request/);
  await page.keyboard.press("Control+b"); // no side bar
  await page.locator(".part.sidebar").waitFor({ state: "hidden" });
  await editor.goTo(5, 5);
  await page.keyboard.press("Shift+End");
  await page.keyboard.press("Control+d"); // the other one, too
  await page.locator('[id="status.editor.selection"]', { hasText: "2 selections" }).waitFor();
  const film = await screencast(page);
  await page.waitForTimeout(BEFORE_MS);
  const asked = Date.now() / 1000;
  await page.keyboard.press("Control+Alt+f");
  await editor.reviewing(true);
  const filled = Date.now() / 1000;
  await page.waitForTimeout(REVIEWED_MS);
  writeFileSync(path.join(folder, "still.png"), await page.screenshot());
  await page.keyboard.press("Tab");
  await editor.reviewing(false);
  await page.waitForTimeout(300); // the last frame is drawn, and stays for ACCEPTED_MS
  await film.stop();
  // Only the fill itself is shown slower.
  const shown = (at) => at + Math.max(0, Math.min(at, filled) - asked) * (slower - 1);
  const durations = film.frames.map(({ at }, index) => {
    const next = film.frames[index + 1];
    return next ? Math.round((shown(next.at) - shown(at)) * 1000) : ACCEPTED_MS;
  });
  film.frames.forEach(({ png }, index) => { writeFileSync(path.join(folder, `${String(index).padStart(5, "0")}.png`), png); });
  writeFileSync(path.join(folder, "durations.json"), JSON.stringify(durations));
  const python = path.join(path.dirname(program), "python");
  execFileSync(python, [fileURLToPath(new URL("animate.py", import.meta.url)), folder, images], { stdio: "inherit" });
  const bytes = statSync(path.join(images, "vscode-denoising.gif")).size;
  console.log(`${film.frames.length} frames, ${Math.round(bytes / 1000)} kB, the fill took ${Math.round((filled - asked) * 1000)} ms and is shown ${slower} times slower`);
  console.log(await editor.saved("shop.py"));
  if (bytes > LARGEST_BYTES) throw new Error(`the animation has ${bytes} bytes, and may have ${LARGEST_BYTES}`);
} finally {
  await editor.close();
  rmSync(folder, { recursive: true, force: true });
}
