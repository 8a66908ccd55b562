/**
 * Builds one TypeScript file: indented lines, and the imports that its code asked for. A name that the file declares itself is
 * imported with `$` in front, so that any message name is possible.
 */
export class SourceWriter {
  private readonly lines: string[] = [];
  private readonly imports = new Map<string, Map<string, { local: string; isType: boolean }>>();
  private depth = 0;

  constructor(private readonly declared: ReadonlySet<string>) {}

  line(text = ''): void {
    this.lines.push(text === '' ? '' : '  '.repeat(this.depth) + text);
  }

  /** Lines one level deeper. */
  indented(body: () => void): void {
    this.depth++;
    body();
    this.depth--;
  }

  /** A line that opens a block, what is in it, and the line that closes it. */
  block(open: string, body: () => void, close = '}'): void {
    this.line(open);
    this.indented(body);
    this.line(close);
  }

  /** A documentation comment; nothing when there is nothing to say. */
  doc(text: string | undefined): void {
    if (text === undefined || text.trim() === '') return;
    // A comment of the proto must not end the one it is put into.
    const lines = text.trimEnd().replaceAll('*/', '*\\/').split(/\r?\n/);
    if (lines.length === 1) return this.line(`/** ${lines[0]!.trim()} */`);
    this.line('/**');
    for (const line of lines) this.line(` * ${line.trimEnd()}`.trimEnd());
    this.line(' */');
  }

  /** The local name of something exported by a module; the import is written at the top. */
  use(module: string, name: string): string {
    return this.addImport(module, name, false);
  }

  /** The same for a name that is only used as a type. */
  useType(module: string, name: string): string {
    return this.addImport(module, name, true);
  }

  private addImport(module: string, name: string, isType: boolean): string {
    let names = this.imports.get(module);
    if (names === undefined) this.imports.set(module, (names = new Map()));
    let entry = names.get(name);
    if (entry === undefined) names.set(name, (entry = { local: this.localName(module, name), isType }));
    entry.isType &&= isType;
    return entry.local;
  }

  private localName(module: string, name: string): string {
    const isTaken = (local: string): boolean =>
      this.declared.has(local) ||
      [...this.imports].some(
        ([other, names]) => other !== module && [...names.values()].some((entry) => entry.local === local),
      );
    let local = name;
    while (isTaken(local)) local = `$${local}`;
    return local;
  }

  /** The file. */
  toString(header: string): string {
    const modules = [...this.imports.keys()].sort(
      (a, b) => Number(a.startsWith('.')) - Number(b.startsWith('.')) || (a < b ? -1 : 1),
    );
    const imports = modules.map((module) => formatImport(module, this.imports.get(module)!));
    const body = this.lines
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim();
    return `${header}\n${imports.join('')}\n${body}\n`.replace(/\n{3,}/g, '\n\n');
  }
}

function formatImport(module: string, names: ReadonlyMap<string, { local: string; isType: boolean }>): string {
  const sorted = [...names].sort(([a], [b]) => (a < b ? -1 : 1));
  const allTypes = sorted.every(([, entry]) => entry.isType);
  const parts = sorted.map(([name, { local, isType }]) => {
    const renamed = name === local ? name : `${name} as ${local}`;
    return isType && !allTypes ? `type ${renamed}` : renamed;
  });
  const keyword = allTypes ? 'import type' : 'import';
  const oneLine = `${keyword} { ${parts.join(', ')} } from '${module}';\n`;
  if (oneLine.length <= 121) return oneLine;
  return `${keyword} {\n${parts.map((part) => `  ${part},\n`).join('')}} from '${module}';\n`;
}
