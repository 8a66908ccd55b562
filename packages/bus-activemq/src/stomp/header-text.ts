import { protocolError } from './stomp-error.js';

const NEEDS_ESCAPE = /[\\\r\n:]/;
const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\\\', '\r': '\\r', '\n': '\\n', ':': '\\c' };
const MEANT: Readonly<Record<string, string>> = { '\\': '\\', r: '\r', n: '\n', c: ':' };

/** A header's name or value as it goes on the wire (STOMP 1.2, "Value Encoding"). */
export function escapeHeader(text: string): string {
  return NEEDS_ESCAPE.test(text) ? text.replaceAll(/[\\\r\n:]/g, (unit) => ESCAPED[unit]!) : text;
}

/** @throws AEP_STOMP_PROTOCOL (retry) for an escape that STOMP does not know */
export function unescapeHeader(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replaceAll(/\\(.?)/gs, (_all, unit: string) => {
    const meant = Object.hasOwn(MEANT, unit) ? MEANT[unit] : undefined;
    if (meant === undefined) throw protocolError(`a header with the unknown escape "\\${unit}"`);
    return meant;
  });
}

/** The lines of a head: command, headers, and the empty line behind them. Texts are escaped except in CONNECT frames. */
export function encodeHead(command: string, headers: Readonly<Record<string, string>>): string {
  // Clients and servers of STOMP 1.0 know no escapes, and a CONNECT may go to one of them.
  const isPlain = command === 'CONNECT';
  let head = `${command}\n`;
  for (const [name, value] of Object.entries(headers)) head += isPlain ? `${name}:${value}\n` : headerLine(name, value);
  return `${head}\n`;
}

export function headerLine(name: string, value: string): string {
  return `${escapeHeader(name)}:${escapeHeader(value)}\n`;
}
