/** How a hole's tokens are laid over the lines of its range while they are denoised. Knows no VS Code. */
import type { Token } from "../protocol";

export interface Piece { readonly text: string; readonly opacity: number }
/** One line of the preview: its pieces from left to right. */
export type Line = readonly Piece[];

const MASK = "░";
const LINE_END = "⏎ ";
const FAINTEST = 0.35;

/** The lines that show `tokens` over a range of `height` lines: those that find no room are joined to the last. */
export function layout(tokens: readonly Token[], height: number, tabSize: number): Line[] {
  const lines: Piece[][] = [[]];
  for (const token of tokens) {
    const opacity = opacityOf(token);
    const shown = token.open && token.text.trim() === "" ? MASK.repeat(2) : token.text;
    shown.split("\n").forEach((text, index) => {
      if (index > 0) lines.push([]);
      if (text !== "") lines.at(-1)?.push({ text: text.replaceAll("\t", " ".repeat(tabSize)), opacity });
    });
  }
  const rows = Math.max(height, 1);
  if (lines.length <= rows) return lines;
  const rest = lines.slice(rows - 1);
  const joined = rest.flatMap((line, index) => (index === 0 ? line : [{ text: LINE_END, opacity: FAINTEST }, ...trimmed(line)]));
  return [...lines.slice(0, rows - 1), joined];
}

/** A decided token of confidence 1 is as plain as code, an open one is faint. */
export function opacityOf(token: Token): number {
  if (token.open) return FAINTEST;
  const sure = Math.min(Math.max(token.confidence, 0), 1);
  return Math.round((FAINTEST + (1 - FAINTEST) * sure) * 20) / 20;
}

/** A background for `color: transparent` and `background-clip: text`: every piece in its own opacity, one style a line. */
export function gradient(line: Line): string {
  let at = 0;
  const stops = line.map((piece) => {
    const from = at;
    at += piece.text.length;
    const colour = `color-mix(in srgb, var(--vscode-editor-foreground) ${Math.round(piece.opacity * 100)}%, transparent)`;
    return `${colour} ${from}ch ${at}ch`;
  });
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

function trimmed(line: Line): Line {
  const first = line[0];
  return first === undefined ? line : [{ ...first, text: first.text.trimStart() }, ...line.slice(1)];
}
