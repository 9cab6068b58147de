/** How a hole's tokens are laid over the lines of its range while they are denoised. Knows no VS Code. */
import type { Token } from "../protocol";

export interface Piece { readonly text: string; readonly opacity: number }
/** One line of the preview: its pieces from left to right. */
export type Line = readonly Piece[];

const MASK = "░";
const LINE_END = "⏎ ";
const FAINTEST = 0.35;
/** Masks that show where a line will be, if nothing stands there. */
const FEW = 8;

/**
 * The lines that show `tokens` over the lines `old` of a range: those that find no room are joined to the last. Masks at the end stand
 * for all that is not known yet: they cover what is left of the old lines, so that nothing moves when they appear.
 */
export function layout(tokens: readonly Token[], old: readonly string[], tabSize: number): Line[] {
  const known = tokens.slice(0, tokens.findLastIndex((token) => !isMask(token)) + 1);
  const lines = fitted(linesOf(known, tabSize), Math.max(old.length, 1));
  const unknown = tokens.length - known.length;
  if (unknown === 0) return lines;
  const blank = old.every((line) => line.trim() === "");
  const over = (line: string): Piece[] => masksOver(blank ? line + MASK.repeat(Math.min(unknown, FEW)) : line, tabSize);
  const last = lines.at(-1) ?? [];
  const here = last.length > 0 ? [...last, { text: MASK.repeat(2), opacity: FAINTEST }] : over(old[lines.length - 1] ?? "");
  return [...lines.slice(0, -1), here, ...(blank ? [] : old.slice(lines.length).map(over))];
}

/** Whether nothing is known of the token: the model has not even a guess that is seen. */
function isMask(token: Token): boolean {
  return token.open && token.text.trim() === "";
}

/** A mask for every character of a line, where it stands. */
function masksOver(line: string, tabSize: number): Piece[] {
  const text = line.trimEnd().replaceAll("\t", " ".repeat(tabSize)).replace(/\S/gu, MASK);
  return text === "" ? [] : [{ text, opacity: FAINTEST }];
}

function linesOf(tokens: readonly Token[], tabSize: number): Piece[][] {
  const lines: Piece[][] = [[]];
  for (const token of tokens) {
    const opacity = opacityOf(token);
    const shown = isMask(token) ? MASK.repeat(2) : token.text;
    shown.split("\n").forEach((text, index) => {
      if (index > 0) lines.push([]);
      if (text !== "") lines.at(-1)?.push({ text: text.replaceAll("\t", " ".repeat(tabSize)), opacity });
    });
  }
  return lines;
}

function fitted(lines: Piece[][], rows: number): Piece[][] {
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

function trimmed(line: Piece[]): Piece[] {
  const first = line[0];
  return first === undefined ? line : [{ ...first, text: first.text.trimStart() }, ...line.slice(1)];
}
