// From a fill command to the first frame of the preview, and to the whole fill.
import { Editor } from "../editor.mjs";
import { demo, until } from "../setup.mjs";
import { load, summary } from "./times.mjs";

const ROUNDS = 30;

export async function fill() {
  const editor = await Editor.open({ files: { "inventory.py": demo() } });
  try {
    await editor.openFile("inventory.py");
    await editor.status(/ready/);
    for (let round = 0; round < ROUNDS; round++) {
      await editor.selectLines(29 + (round % 4), 3);
      await editor.page.keyboard.press("Control+Alt+f");
      await editor.reviewing(true);
      await editor.page.keyboard.press("Escape");
      await editor.reviewing(false);
      await editor.saved("inventory.py", (text) => text === demo());
    }
    await until(async () => (await editor.logged(/fill of/g)).length >= ROUNDS, () => "not all fills were logged");
    const found = await editor.logged(/fill of \d+ gaps of \S+: (\d+) ms, (\d+) frames, the first after (\d+) ms/g);
    const column = (index) => summary(found.map((match) => Number(match[index])));
    return { load: load(), first_frame_ms: column(3), whole_fill_ms: column(1), frames: column(2) };
  } finally {
    await editor.close();
  }
}
