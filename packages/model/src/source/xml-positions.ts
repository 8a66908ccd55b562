import { LineIndex } from './line-index.js';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a start tag stands, and each of its attributes by written name. */
export interface TagPosition extends Position {
  readonly attributes: ReadonlyMap<string, Position>;
}

/** The end of what starts with each of these; nothing in between is a tag. */
const SKIPPED: ReadonlyArray<readonly [start: string, end: string]> = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
  ['</', '>'],
];

const ATTRIBUTE = /\s+([^\s=/>]+)\s*=\s*(?:"[^"]*"|'[^']*')/y;
const TAG_NAME = /<[^\s/>]+/y;

/**
 * Start tags of a document in their order. The parser tells lines of elements only, and no columns; this finds both,
 * and those of attributes. It relies on the parser having accepted the text, and on there being no DTD: then the n-th
 * start tag of the text is the n-th element of the document.
 */
export function locateTags(text: string): TagPosition[] {
  const lines = new LineIndex(text);
  const tags: TagPosition[] = [];
  let offset = text.indexOf('<');
  while (offset !== -1) {
    const skipped = SKIPPED.find(([start]) => text.startsWith(start, offset));
    if (skipped === undefined) {
      const { tag, end } = locateTag(text, offset, lines);
      tags.push(tag);
      offset = text.indexOf('<', end);
    } else {
      const end = text.indexOf(skipped[1], offset + skipped[0].length);
      offset = end === -1 ? -1 : text.indexOf('<', end);
    }
  }
  return tags;
}

function locateTag(text: string, offset: number, lines: LineIndex): { tag: TagPosition; end: number } {
  const attributes = new Map<string, Position>();
  TAG_NAME.lastIndex = offset;
  let end = offset + (TAG_NAME.exec(text)?.[0].length ?? 1);
  for (;;) {
    ATTRIBUTE.lastIndex = end;
    const match = ATTRIBUTE.exec(text);
    if (match === null) return { tag: { ...lines.at(offset), attributes }, end };
    attributes.set(match[1]!, lines.at(end + match[0].indexOf(match[1]!)));
    end = ATTRIBUTE.lastIndex;
  }
}

const PROLOG = /^\ufeff?(?:\s+|<\?[\s\S]*?\?>|<!--[\s\S]*?-->)*/;

/** Where a document type declaration starts, if there is one. It can only stand before the first element. */
export function locateDoctype(text: string): Position | undefined {
  const prologLength = PROLOG.exec(text)?.[0].length ?? 0;
  return text.startsWith('<!DOCTYPE', prologLength) ? new LineIndex(text).at(prologLength) : undefined;
}
