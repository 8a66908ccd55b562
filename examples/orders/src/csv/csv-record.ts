/** Outcome of reading a text as one CSV record (RFC 4180). */
export type CsvRecord =
  | { readonly kind: 'fields'; readonly fields: readonly string[] }
  /** A quoted field is not closed: the record may go on in the next line. */
  | { readonly kind: 'open' }
  | { readonly kind: 'malformed'; readonly reason: string };

/**
 * Splits a record at its commas. A field that starts with a quote ends at the next single quote (`""` stands for one) and
 * may hold commas and line ends; a quote further inside a field is an ordinary character, as in `12" RULER`.
 */
export function parseRecord(text: string): CsvRecord {
  const fields: string[] = [];
  let position = 0;
  for (;;) {
    if (text[position] === '"') {
      const closing = closingQuote(text, position + 1);
      if (closing < 0) return { kind: 'open' };
      fields.push(text.slice(position + 1, closing).replaceAll('""', '"'));
      position = closing + 1;
    } else {
      const comma = text.indexOf(',', position);
      const end = comma < 0 ? text.length : comma;
      fields.push(text.slice(position, end));
      position = end;
    }
    if (position >= text.length) return { kind: 'fields', fields };
    if (text[position] !== ',') {
      return { kind: 'malformed', reason: `field ${fields.length}: text after the closing quote` };
    }
    position++;
  }
}

/** Where the quoted field that starts here ends; -1 when it does not. */
function closingQuote(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 2)) {
    if (text[quote + 1] !== '"') return quote;
  }
  return -1;
}
