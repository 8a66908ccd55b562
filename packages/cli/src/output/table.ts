/** A column of a table for people. */
export interface Column {
  readonly title: string;
  /** Numbers stand right, so that their digits line up. @default left */
  readonly align?: 'left' | 'right';
}

/**
 * Rows under their titles, columns lined up. With a width the last column is cut to it; without one nothing is cut,
 * because a pipe has no width.
 */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], width?: number): string {
  const cells = rows.map((row) => columns.map((_, index) => oneLine(row[index] ?? '')));
  const widths = columns.map(({ title }, index) =>
    cells.reduce((most, row) => Math.max(most, row[index]!.length), title.length),
  );
  const lines = [columns.map(({ title }) => title), ...cells].map((row) => cut(joinCells(columns, widths, row), width));
  return `${lines.join('\n')}\n`;
}

function joinCells(columns: readonly Column[], widths: readonly number[], row: readonly string[]): string {
  const padded = row.map((cell, index) =>
    columns[index]!.align === 'right' ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
  );
  return padded.join('  ').trimEnd();
}

function cut(line: string, width: number | undefined): string {
  return width === undefined || line.length <= width || width < 20 ? line : `${line.slice(0, width - 1)}…`;
}

/** Text of messages may hold anything; a table's row is one line, and control characters do not reach the terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
