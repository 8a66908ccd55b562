/**
 * What the model has to know of channel keys (E80): which variables a key has, and how those of the initial key
 * resolution table are put in (E82, M2). Resolving keys of messages is the business of the bus.
 */

const VARIABLE = /\$\{\s*([A-Za-z_][\w.-]*)\s*(?:::[^}]*)?\}/g;
const FUNCTION = /#\[\s*([A-Za-z_][\w-]*)\s*=[^\]]*\]/g;
const NOT_IN_A_KEY = /\$\{|#\[|[*>]/;

/** True when the text is a key template: whole variables, whole functions, and no wildcards. */
export function isKeyTemplate(text: string): boolean {
  return !NOT_IN_A_KEY.test(text.replaceAll(FUNCTION, '').replaceAll(VARIABLE, ''));
}

/** Names of the variables and functions of a key that a filter may mention. */
export function keyVariables(key: string): string[] {
  const functions = [...key.matchAll(FUNCTION)].map((match) => match[1]!);
  // The argument of a function is a field of the message, not a level of the key.
  const variables = [...key.replaceAll(FUNCTION, '').matchAll(VARIABLE)].map((match) => match[1]!);
  return [...new Set([...functions, ...variables])];
}

/** The text with the variables that are in the table replaced; those inside `#[…]` are left to the bus. */
export function freezeVariables(text: string, table: Readonly<Record<string, string>>): string {
  const functions = [...text.matchAll(FUNCTION)].map((match) => [match.index, match.index + match[0].length] as const);
  return text.replaceAll(VARIABLE, (written: string, name: string, offset: number) => {
    const isInFunction = functions.some(([from, to]) => offset >= from && offset < to);
    const value = Object.hasOwn(table, name) ? table[name] : undefined;
    return isInFunction || value === undefined ? written : value;
  });
}

/** E85: `var1=a|b;var2=c` in its parts; undefined when it is none. A value may be empty or `*`, as the bus has it. */
export function parseFilter(text: string): Map<string, string[]> | undefined {
  const terms = new Map<string, string[]>();
  for (const term of text.split(';')) {
    if (term.trim() === '') continue;
    const equals = term.indexOf('=');
    const name = term.slice(0, Math.max(0, equals)).trim();
    if (name === '' || terms.has(name)) return undefined;
    const values = term.slice(equals + 1).split('|');
    terms.set(
      name,
      values.map((value) => value.trim()),
    );
  }
  return terms;
}

/** Null, which lets everything through, when there are no terms. */
export function formatFilter(terms: ReadonlyMap<string, readonly string[]>): string | null {
  const parts = [...terms].map(([name, values]) => `${name}=${values.join('|')}`);
  return parts.length === 0 ? null : parts.join(';');
}

/** Names of variables are equal without regard to the case of their first letter (E81). */
export function sameVariable(one: string, other: string): boolean {
  return lowerFirst(one) === lowerFirst(other);
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
