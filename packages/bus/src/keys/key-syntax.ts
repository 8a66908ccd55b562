import { keyInvalid } from './key-options.js';

/** A variable of a key template. */
export interface KeyVariable {
  /** Its name in the template and in filters: `Region`, `customer.region`, or the left side of a function. */
  readonly name: string;
  /** Path of the message field that it reads: of the function's argument if it is a function. */
  readonly path: readonly string[];
  readonly defaultValue: string | undefined;
  /** `#[name = hash(${path}, shards)]` gives 1..shards (E80); undefined for a plain variable. */
  readonly shards: number | undefined;
}

/** Literal text, or the index of a variable. */
export type KeyPart = string | number;

export interface ParsedKey {
  readonly parts: readonly KeyPart[];
  readonly variables: readonly KeyVariable[];
}

const TEMPLATE_LENGTH_MAX = 4096;
const VARIABLES_MAX = 64;
const SHARDS_MAX = 1_000_000;

const VARIABLE = /^([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)(?:::(.*))?$/s;
const FUNCTION =
  /^\s*([A-Za-z_][\w-]*)\s*=\s*hash\(\s*\$\{([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)\}\s*,\s*(\d{1,7})\s*\)\s*$/;

/** Splits a key template into literals and variables (E80). @throws AEP_KEY_INVALID with the place of the fault */
export function parseKey(template: string, channel: string): ParsedKey {
  if (template.length > TEMPLATE_LENGTH_MAX) {
    throw keyInvalid(
      channel,
      `the template has ${template.length} characters, at most ${TEMPLATE_LENGTH_MAX} are allowed`,
    );
  }
  return new KeyParser(template, channel).parse();
}

class KeyParser {
  private readonly parts: KeyPart[] = [];
  private readonly variables: KeyVariable[] = [];
  private literal = '';

  constructor(
    private readonly template: string,
    private readonly channel: string,
  ) {}

  parse(): ParsedKey {
    let at = 0;
    while (at < this.template.length) {
      if (this.template.startsWith('${', at)) at = this.takeVariable(at);
      else if (this.template.startsWith('#[', at)) at = this.takeFunction(at);
      else this.takeLiteral(at++);
    }
    if (this.literal !== '') this.parts.push(this.literal);
    return { parts: this.parts, variables: this.variables };
  }

  private takeLiteral(at: number): void {
    const character = this.template.charAt(at);
    if (character === '*' || character === '>') {
      throw this.fault(at, `"${character}" is a wildcard and cannot be part of a key`);
    }
    this.literal += character;
  }

  private takeVariable(at: number): number {
    const end = this.template.indexOf('}', at);
    if (end < 0) throw this.fault(at, '"${" is not closed by "}"');
    const match = VARIABLE.exec(this.template.slice(at + 2, end));
    if (match === null) {
      throw this.fault(
        at,
        `expected \${name}, \${path.to.field} or \${name::default}, got "${this.template.slice(at, end + 1)}"`,
      );
    }
    const name = match[1]!;
    this.addVariable(at, { name, path: name.split('.'), defaultValue: match[2], shards: undefined });
    return end + 1;
  }

  private takeFunction(at: number): number {
    const end = this.template.indexOf(']', at);
    const match = end < 0 ? null : FUNCTION.exec(this.template.slice(at + 2, end));
    if (match === null) {
      throw this.fault(at, 'expected a function of the form #[name = hash(${field}, N)]');
    }
    const shards = Number(match[3]);
    if (shards < 1 || shards > SHARDS_MAX)
      throw this.fault(at, `hash gives 1..N with N in 1..${SHARDS_MAX}, got ${shards}`);
    this.addVariable(at, { name: match[1]!, path: match[2]!.split('.'), defaultValue: undefined, shards });
    return end + 1;
  }

  private addVariable(at: number, variable: KeyVariable): void {
    if (this.literal !== '') this.parts.push(this.literal);
    this.literal = '';
    const known = this.variables.findIndex((other) => other.name === variable.name);
    if (known >= 0) {
      this.mustAgree(at, this.variables[known]!, variable);
      this.parts.push(known);
      return;
    }
    if (this.variables.length >= VARIABLES_MAX) throw this.fault(at, `more than ${VARIABLES_MAX} variables`);
    this.parts.push(this.variables.length);
    this.variables.push(variable);
  }

  /** A name stands for one value; `${shard}` after its function is a reference to the function. */
  private mustAgree(at: number, first: KeyVariable, again: KeyVariable): void {
    const isReference = again.shards === undefined && again.defaultValue === undefined;
    const isSame =
      first.shards === again.shards &&
      first.defaultValue === again.defaultValue &&
      first.path.join('.') === again.path.join('.');
    if (!isReference && !isSame) {
      throw this.fault(at, `"${again.name}" was defined before with another default or function`);
    }
  }

  private fault(at: number, why: string): Error {
    return keyInvalid(this.channel, `${why}, at character ${at} of "${this.template}"`, { at });
  }
}
