// What a user sees and does in the window of VS Code.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { artefacts, until } from "./setup.mjs";

/** `page` is the browser's page that shows the editor. */
export class Window {
  /** Wait until the status bar says what `pattern` matches, and return it. */
  async status(pattern) {
    const item = this.page.locator('[id="dlm-fill.dlm-fill.dlm-fill.status"] a');
    let last = "";
    await until(async () => {
      last = (await item.getAttribute("aria-label", { timeout: 1000 }).catch(() => "")) ?? "";
      return pattern.test(last);
    }, () => `the status is "${last}", not ${pattern}`);
    return last;
  }

  async openFile(name) {
    await this.page.keyboard.press("Control+p");
    await this.page.locator(".quick-input-widget input.input").fill(name);
    await this.page.locator(".quick-input-list .monaco-list-row.focused", { hasText: path.basename(name) }).waitFor();
    await this.page.keyboard.press("Enter");
    await this.page.locator(".tab.active", { hasText: path.basename(name) }).first().waitFor();
    await this.page.locator(".editor-group-container.active .view-lines").waitFor();
    await this.page.keyboard.press("Control+1"); // the keyboard to the code
  }

  /** Put the cursor before column `column` of line `line`, both from 1. */
  async goTo(line, column = 1) {
    await this.page.keyboard.press("Control+g");
    await this.page.locator(".quick-input-widget input.input").fill(`:${line}:${column}`);
    await this.page.keyboard.press("Enter");
    await this.page.locator(".quick-input-widget").waitFor({ state: "hidden" });
    await until(async () => (await this.cursor()) === `${line}:${column}`, () => `the cursor did not come to ${line}:${column}`);
  }

  /** "line:column" as the status bar says; undefined while several characters are selected. */
  async cursor() {
    const text = await this.page.locator('[id="status.editor.selection"]').innerText().catch(() => "");
    const found = /Ln (\d+), Col (\d+)/.exec(text);
    return found ? `${found[1]}:${found[2]}` : undefined;
  }

  async command(title) {
    await this.page.keyboard.press("F1");
    const input = this.page.locator(".quick-input-widget input.input");
    await input.fill(`>${title}`);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().waitFor();
    await this.page.keyboard.press("Enter");
  }

  async pick(text) {
    await this.page.locator(".quick-input-widget input.input").fill(text); // a long list draws only what is in sight
    const row = this.page.locator(".quick-input-list .monaco-list-row", { hasText: text }).first();
    await row.waitFor();
    await row.click();
  }

  /** The first line of the ghost text, the one at the cursor, when it satisfies `good`. */
  async ghost(good = (text) => text !== "", patienceMs = undefined) {
    let last = "";
    await until(async () => good(last = await this.ghostNow()), () => `the ghost text is ${JSON.stringify(last)}`, patienceMs);
    return last;
  }

  async ghostNow() {
    return await this.page.evaluate(() => {
      const spans = [...document.querySelectorAll(".view-lines .ghost-text-decoration, .view-lines .ghost-text")]
        .filter((span) => !span.parentElement?.closest(".ghost-text-decoration, .ghost-text"));
      return spans.map((span) => span.textContent).join("").replaceAll("\u00a0", " ");
    });
  }

  /** Select from `column` of a line on, `lines` lines, to the end of the last. */
  async selectLines(line, lines, column = 1) {
    await this.goTo(line, column);
    for (let more = 1; more < lines; more++) await this.page.keyboard.press("Shift+ArrowDown");
    await this.page.keyboard.press("Shift+End");
  }

  /** Wait until the marks of a fill under review are there, or gone. */
  async reviewing(yes) {
    const lens = this.page.locator(".codelens-decoration", { hasText: "Accept (Tab)" });
    await lens.first().waitFor({ state: yes ? "visible" : "detached" });
  }

  /** What a live preview shows: the text of each decoration before code, in the order of the page. */
  async preview() {
    return await this.page.evaluate(() => [...document.querySelectorAll(".view-lines .view-line span")]
      .map((span) => [span, getComputedStyle(span, "::before").content])
      .filter(([, content]) => content !== "none" && content !== "normal")
      .sort(([a], [b]) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
      .map(([, content]) => content.replace(/^"|"$/g, "").replaceAll("\u00a0", " ")));
  }

  /** The code as it stands on the screen in the editor in use, hidden text left out. */
  async screen() {
    const texts = await this.page.locator(".editor-group-container.active .view-lines").allInnerTexts();
    return texts.join("\n").replaceAll("\u00a0", " ");
  }

  /** Wait until the screen holds what `pattern` matches. */
  async reads(pattern) {
    let text = "";
    await until(async () => pattern.test(text = await this.screen()), () => `nothing like ${pattern} in ${text}`);
  }

  async message(pattern) {
    const toast = this.page.locator(".notification-toast, .notifications-list-container .notification-list-item", { hasText: pattern }).first();
    await toast.waitFor();
    return await toast.innerText();
  }

  /** The messages on the screen that `pattern` matches. */
  async toasts(pattern) {
    return (await this.page.locator(".notification-toast").allInnerTexts()).filter((text) => pattern.test(text));
  }

  /** Click on a button of a message. */
  async button(text) {
    await this.page.locator(".notification-toast .monaco-button, .notification-list-item .monaco-button", { hasText: text }).first().click();
  }

  /** Wait for the dialog that says `text`, and answer it. */
  async dialog(text, answer) {
    const box = this.page.locator(".monaco-dialog-box", { hasText: text });
    await box.waitFor();
    await box.locator(".monaco-button", { hasText: answer }).first().click();
    await box.waitFor({ state: "detached" });
  }

  async picture(name) {
    mkdirSync(artefacts, { recursive: true });
    await this.page.screenshot({ path: path.join(artefacts, `${name}.png`) });
  }
}
