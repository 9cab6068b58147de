/** Where fills stand after an edit. Knows no VS Code; offsets are UTF-16 units. */
export interface Change { readonly offset: number; readonly length: number; readonly text: string }
export interface Place { readonly start: number; readonly end: number }

/** Where the new texts of `changes`, all offsets of the text before, stand after it; in the order of the text. */
export function placesAfter(changes: readonly Change[]): Place[] {
  let shift = 0;
  return [...changes]
    .sort((a, b) => a.offset - b.offset)
    .map((change) => {
      const start = change.offset + shift;
      shift += change.text.length - change.length;
      return { start, end: start + change.text.length };
    });
}

/** Where the places are after an edit beside them; undefined if it touched one. */
export function moved(places: readonly Place[], change: Change): Place[] | undefined {
  const end = change.offset + change.length;
  const by = change.text.length - change.length;
  const now: Place[] = [];
  for (const place of places) {
    if (end <= place.start && !(change.length === 0 && change.offset === place.start && place.start === place.end)) {
      now.push({ start: place.start + by, end: place.end + by });
    } else if (change.offset >= place.end) now.push(place);
    else return undefined;
  }
  return now;
}
