/**
 * What the model has to know of channel keys (E80): which variables a key has, and how those of the initial key
 * resolution table are put in (E82, M2). Resolving keys of messages is the business of the bus.
 */

const VARIABLE = /\$\{([^}:]*)(?:::[^}]*)?\}/g;
const FUNCTION = /#\[\s*([A-Za-z_]\w*)\s*=[^\]]*\]/g;

/** Names of the variables and functions of a key, in their order. */
export function keyVariables(key: string): string[] {
  const names = [...key.matchAll(FUNCTION), ...key.matchAll(VARIABLE)].map((match) => match[1]!.trim());
  return [...new Set(names)];
}

/** The text with the variables that are in the table replaced; those inside `#[…]` are left to the bus. */
export function freezeVariables(text: string, table: Readonly<Record<string, string>>): string {
  const functions = [...text.matchAll(FUNCTION)].map((match) => [match.index, match.index + match[0].length] as const);
  return text.replaceAll(VARIABLE, (written: string, name: string, offset: number) => {
    const isInFunction = functions.some(([from, to]) => offset >= from && offset < to);
    const value = table[name.trim()];
    return isInFunction || value === undefined ? written : value;
  });
}

/** E85: `var1=a|b;var2=c` in its parts; undefined when it is none. */
export function parseFilter(text: string): Map<string, string[]> | undefined {
  const terms = new Map<string, string[]>();
  for (const term of text.split(';')) {
    const equals = term.indexOf('=');
    const name = term.slice(0, Math.max(0, equals)).trim();
    const values = term
      .slice(equals + 1)
      .split('|')
      .map((value) => value.trim());
    if (name === '' || values.includes('') || terms.has(name)) return undefined;
    terms.set(name, values);
  }
  return terms;
}

export function formatFilter(terms: ReadonlyMap<string, readonly string[]>): string | null {
  const parts = [...terms].map(([name, values]) => `${name}=${values.join('|')}`);
  return parts.length === 0 ? null : parts.join(';');
}
