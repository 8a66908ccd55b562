import { type ConfigNode, type Origin, fileOrigin } from '../config-node.js';
import { type ProblemList, quote } from '../problems.js';
import { DEPTH_MAX, FORBIDDEN_NAMES, NODES_MAX } from './limits.js';
import { LineIndex } from './line-index.js';

/**
 * Reads JSON (RFC 8259) into nodes that know their line and column, which JSON.parse cannot tell. Numbers keep their
 * written digits. Duplicate keys, null and names that reach into prototypes are problems and reading goes on; at the
 * first mistake of syntax it ends.
 *
 * @returns undefined when the text is not JSON; the reason is in `problems`
 */
export function readJson(text: string, file: string, problems: ProblemList): ConfigNode | undefined {
  const reader = new JsonReader(text, file, problems);
  try {
    return reader.readDocument();
  } catch (error) {
    if (!(error instanceof SyntaxStop)) throw error;
    problems.add(error.code, { origin: reader.originAt(error.offset), path: '' }, error.message);
    return undefined;
  }
}

/** Ends the reading from any depth; never leaves this file. */
class SyntaxStop extends Error {
  constructor(
    readonly offset: number,
    message: string,
    readonly code: 'AEP_MODEL_SYNTAX' | 'AEP_MODEL_TOO_LARGE' = 'AEP_MODEL_SYNTAX',
  ) {
    super(message);
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** From quote to quote; what is between is checked by JSON.parse. Written without alternatives, which take stack. */
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const WORD = /[A-Za-z_$][\w$]*/y;

class JsonReader {
  readonly #text: string;
  readonly #file: string;
  readonly #problems: ProblemList;
  readonly #lines: LineIndex;
  #offset = 0;
  #nodes = 0;

  constructor(text: string, file: string, problems: ProblemList) {
    this.#text = text;
    this.#file = file;
    this.#problems = problems;
    this.#lines = new LineIndex(text);
  }

  originAt(offset: number): Origin {
    const { line, column } = this.#lines.at(offset);
    return fileOrigin(this.#file, line, column);
  }

  readDocument(): ConfigNode {
    if (this.#text.startsWith('\ufeff')) this.#offset = 1;
    this.#skipSpace();
    const place = { name: 'model', path: 'model', offset: this.#offset, depth: 0 };
    const node = this.#readValue(place) ?? {
      name: 'model',
      text: '',
      children: [],
      origin: this.originAt(place.offset),
    };
    this.#skipSpace();
    if (this.#offset < this.#text.length)
      throw new SyntaxStop(this.#offset, `${this.#here()} after the end of the model`);
    return node;
  }

  /** @returns undefined for null, which is reported */
  #readValue(place: Place): ConfigNode | undefined {
    this.#countNode(place);
    const origin = this.originAt(place.offset);
    const head = this.#text[this.#offset];
    if (head === '{') return { name: place.name, text: undefined, children: this.#readMembers(place), origin };
    if (head === '[') {
      return { name: place.name, text: undefined, children: this.#readItems(place), isArray: true, origin };
    }
    if (head === '"') return { name: place.name, text: this.#readString(), children: [], origin };
    const literal = this.#readLiteral(place);
    return literal === undefined ? undefined : { name: place.name, text: literal, children: [], origin };
  }

  #readMembers(place: Place): ConfigNode[] {
    const children: ConfigNode[] = [];
    const seen = new Set<string>();
    this.#offset++;
    this.#skipSpace();
    if (this.#take('}')) return children;
    for (;;) {
      const offset = this.#offset;
      if (this.#text[offset] !== '"')
        throw new SyntaxStop(offset, `expected a key in double quotes, got ${this.#here()}`);
      const name = this.#readString();
      const path = `${place.path}.${name}`;
      this.#skipSpace();
      if (!this.#take(':'))
        throw new SyntaxStop(this.#offset, `expected ":" after the key ${quote(name)}, got ${this.#here()}`);
      this.#skipSpace();
      const child = this.#readValue({ name, path, offset, depth: place.depth + 1 });
      if (this.#isUsableKey(name, path, offset, seen) && child !== undefined) children.push(child);
      this.#skipSpace();
      if (this.#take('}')) return children;
      if (!this.#take(',')) throw new SyntaxStop(this.#offset, `expected "," or "}", got ${this.#here()}`);
      this.#skipSpace();
    }
  }

  #readItems(place: Place): ConfigNode[] {
    const items: ConfigNode[] = [];
    this.#offset++;
    this.#skipSpace();
    if (this.#take(']')) return items;
    for (;;) {
      const path = `${place.path}[${items.length}]`;
      const item = this.#readValue({ name: '', path, offset: this.#offset, depth: place.depth + 1 });
      if (item !== undefined) items.push(item);
      this.#skipSpace();
      if (this.#take(']')) return items;
      if (!this.#take(',')) throw new SyntaxStop(this.#offset, `expected "," or "]", got ${this.#here()}`);
      this.#skipSpace();
    }
  }

  #isUsableKey(name: string, path: string, offset: number, seen: Set<string>): boolean {
    const at = { origin: this.originAt(offset), path };
    if (FORBIDDEN_NAMES.has(name)) {
      this.#problems.add('AEP_MODEL_FORBIDDEN', at, `the key ${quote(name)} is refused`, { value: name });
      return false;
    }
    if (seen.has(name)) {
      this.#problems.add('AEP_MODEL_DUPLICATE', at, `the key ${quote(name)} is there twice`, { value: name });
      return false;
    }
    seen.add(name);
    return true;
  }

  #readString(): string {
    const start = this.#offset;
    const raw = this.#match(STRING);
    if (raw === undefined) throw new SyntaxStop(start, 'a text without its closing quote');
    try {
      return JSON.parse(raw) as string;
    } catch {
      throw new SyntaxStop(start, `a bad escape or a raw control character in ${quote(raw)}`);
    }
  }

  #readLiteral(place: Place): string | undefined {
    const start = this.#offset;
    const number = this.#match(NUMBER);
    if (number !== undefined) return number;
    const word = this.#match(WORD);
    if (word === 'true' || word === 'false') return word;
    if (word === 'null') {
      const at = { origin: this.originAt(place.offset), path: place.path };
      this.#problems.add('AEP_MODEL_VALUE', at, 'null is not a value: leave the key out', { value: 'null' });
      return undefined;
    }
    this.#offset = start;
    throw new SyntaxStop(start, `expected a value, got ${this.#here()}`);
  }

  #countNode(place: Place): void {
    this.#nodes++;
    if (place.depth > DEPTH_MAX)
      throw new SyntaxStop(this.#offset, `more than ${DEPTH_MAX} levels`, 'AEP_MODEL_TOO_LARGE');
    if (this.#nodes > NODES_MAX)
      throw new SyntaxStop(this.#offset, `more than ${NODES_MAX} keys and items`, 'AEP_MODEL_TOO_LARGE');
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#offset += found.length;
    return found;
  }

  #take(character: string): boolean {
    if (this.#text[this.#offset] !== character) return false;
    this.#offset++;
    return true;
  }

  #skipSpace(): void {
    while (this.#offset < this.#text.length && ' \t\r\n'.includes(this.#text[this.#offset]!)) this.#offset++;
  }

  #here(): string {
    const point = this.#text.codePointAt(this.#offset);
    return point === undefined ? 'the end of the file' : quote(String.fromCodePoint(point));
  }
}

interface Place {
  readonly name: string;
  readonly path: string;
  /** Where the key starts, or the value when it has none. */
  readonly offset: number;
  readonly depth: number;
}
