import { protocolError } from './stomp-error.js';

const NEEDS_ESCAPE = /[\\\r\n:]/;
const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\\\', '\r': '\\r', '\n': '\\n', ':': '\\c' };

/** A header's name or value as it goes on the wire (STOMP 1.2, "Value Encoding"). */
export function escapeHeader(text: string): string {
  return NEEDS_ESCAPE.test(text) ? text.replaceAll(/[\\\r\n:]/g, (unit) => ESCAPED[unit]!) : text;
}

/** @throws AEP_STOMP_PROTOCOL (retry) for an escape that STOMP does not know */
export function unescapeHeader(text: string): string {
  let at = text.indexOf('\\');
  if (at < 0) return text;
  let meant = '';
  let from = 0;
  for (; at >= 0; at = text.indexOf('\\', from)) {
    meant += text.slice(from, at) + meaningOf(text[at + 1] ?? '');
    from = at + 2;
  }
  return meant + text.slice(from);
}

function meaningOf(unit: string): string {
  switch (unit) {
    case 'c':
      return ':';
    case '\\':
      return '\\';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    default:
      throw protocolError(`a header with the unknown escape "\\${unit}"`);
  }
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
