/** Where the cursor belongs after inserted text. Knows no VS Code; lengths are UTF-16 units. */

/**
 * How many units short of the end of `inserted` VS Code may leave the cursor: it counts characters where its columns are UTF-16 units
 * (`TextLength.ofText`), so one for each character of two units in the last line.
 */
export function shortBy(inserted: string): number {
  const last = inserted.slice(inserted.lastIndexOf("\n") + 1);
  return last.length - Array.from(last).length;
}
