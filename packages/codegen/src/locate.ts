/** A place in a file, lines and columns from 1. */
export interface Place {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export function formatPlace(place: Place): string {
  return `${place.path}:${place.line}:${place.column}`;
}

interface Token {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** Names, numbers and single signs; comments and strings are recognised so that what is in them counts for nothing. */
const tokenPattern = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|[\w.]+|\S/g;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let lineAt = 0;
  let counted = 0;
  for (const match of text.matchAll(tokenPattern)) {
    for (
      let newline = text.indexOf('\n', counted);
      newline >= 0 && newline < match.index;
      newline = text.indexOf('\n', newline + 1)
    ) {
      line++;
      lineAt = newline + 1;
    }
    counted = match.index;
    const [found] = match;
    if (!found.startsWith('//') && !found.startsWith('/*'))
      tokens.push({ text: found, line, column: match.index - lineAt + 1 });
  }
  return tokens;
}

/**
 * Finds where things are declared, because protobufjs keeps no positions. It understands just the structure: blocks, what they are
 * called, and `name = number` in them.
 */
export class Locator {
  /** Keys: `Message`, `Outer.Inner`, `Message.field`, `Enum.VALUE`; the second declaration of a key has `#2` behind it. */
  private readonly places = new Map<string, Place>();
  private readonly tokens: readonly Token[];

  constructor(
    private readonly path: string,
    text: string,
  ) {
    this.tokens = tokenize(text);
    this.scan();
  }

  /** The place of a declaration; the start of the file when it is not found. */
  find(key: string): Place {
    return this.places.get(key) ?? { path: this.path, line: 1, column: 1 };
  }

  /** The first token on a line that has the text, or the line's beginning. */
  onLine(line: number, text: string): Place {
    const token = this.tokens.find((candidate) => candidate.line === line && candidate.text === text);
    return { path: this.path, line, column: token?.column ?? 1 };
  }

  private scan(): void {
    const scopes: string[] = [];
    let header: string[] = [];
    for (let index = 0; index < this.tokens.length; index++) {
      const token = this.tokens[index]!;
      if (token.text === '{') {
        scopes.push(this.openBlock(header, scopes, index));
        header = [];
      } else if (token.text === '}') {
        scopes.pop();
        header = [];
      } else if (token.text === ';') {
        header = [];
      } else {
        if (token.text === '=' && index > 0 && isDeclaration(header))
          this.note(scopes, this.tokens[index - 1]!, this.tokens[index + 1]);
        header.push(token.text);
      }
    }
  }

  /** The name that a block adds to the path of what is in it. */
  private openBlock(header: readonly string[], scopes: readonly string[], index: number): string {
    const named = header[0] === 'export' || header[0] === 'local' ? header.slice(1) : header;
    const [keyword, name] = named;
    if ((keyword !== 'message' && keyword !== 'enum') || name === undefined) return '';
    this.note(scopes, this.tokens[index - 1]!, undefined);
    return name;
  }

  private note(scopes: readonly string[], token: Token, number: Token | undefined): void {
    const scope = scopes.filter((name) => name !== '').join('.');
    const place = { path: this.path, line: token.line, column: token.column };
    for (const name of number === undefined ? [token.text] : [token.text, `=${number.text}`]) {
      const key = scope === '' ? name : `${scope}.${name}`;
      this.places.set(this.places.has(key) ? `${key}#2` : key, place);
    }
  }
}

/** `name = number` of a field or enum value, not of an option or of `syntax = …`. */
function isDeclaration(header: readonly string[]): boolean {
  const [first] = header;
  return (
    first !== undefined &&
    !['option', 'syntax', 'edition', 'extend'].includes(first) &&
    !header.includes('[') &&
    !header.includes('=')
  );
}
