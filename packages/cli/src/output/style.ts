/** Colours for people at a terminal; plain text for everybody else. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

export const plainStyle: Style = { bold: same, dim: same, red: same, green: same, yellow: same };

export const colourStyle: Style = {
  bold: (text) => paint(1, 22, text),
  dim: (text) => paint(2, 22, text),
  red: (text) => paint(31, 39, text),
  green: (text) => paint(32, 39, text),
  yellow: (text) => paint(33, 39, text),
};

/** NO_COLOR, when it is set to anything, turns colours off (no-color.org); so does a stream that is no terminal. */
export function styleFor(isTty: boolean, env: Readonly<Record<string, string | undefined>>, isWanted: boolean): Style {
  const isRefused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return isTty && isWanted && !isRefused ? colourStyle : plainStyle;
}

function same(text: string): string {
  return text;
}

function paint(on: number, off: number, text: string): string {
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
