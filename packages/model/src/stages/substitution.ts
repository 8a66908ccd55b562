import { AepError } from '@aep/kernel';
import { type ConfigNode, type Origin, childNamed, describeOrigin } from '../config-node.js';
import { nearestKnownName, type ProblemList, quote } from '../problems.js';
import { type Field, type ObjectShape } from '../shape/field.js';
import { MODEL } from '../shape/root.js';
import { fieldOf } from './normalise.js';

/**
 * M1, M2: fills `${name}` and `${name::default}` in every value except keys and filters. A name is looked up in the
 * environment, then in the model's `env` tree by its dotted path; names and defaults may hold variables themselves.
 */
export function substituteVariables(
  root: ConfigNode,
  environment: Readonly<Record<string, string | undefined>>,
  problems: ProblemList,
): ConfigNode {
  return new Substitution(root, environment, problems).run(root);
}

/** `${a::${b::…}}` inside each other; a value that needs more is a mistake. */
const NESTING_MAX = 20;
/** A value may not grow beyond this, however often its variables repeat each other. */
const EXPANDED_LENGTH_MAX = 65_536;

interface Expanded {
  readonly text: string;
  /** Where each value came from, for the origin of the whole. */
  readonly variables: readonly string[];
}

class Substitution {
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #problems: ProblemList;
  /** Leaves of `env` by dotted path. */
  readonly #env = new Map<string, ConfigNode>();
  readonly #expandedEnv = new Map<string, string>();
  /** Names of `env` whose expansion is under way, to find circles. */
  readonly #open: string[] = [];

  constructor(root: ConfigNode, environment: Readonly<Record<string, string | undefined>>, problems: ProblemList) {
    this.#environment = environment;
    this.#problems = problems;
    const env = childNamed(root, 'env');
    if (env !== undefined) this.#indexEnv(env, '');
  }

  run(root: ConfigNode): ConfigNode {
    return this.#object(MODEL, root, 'model');
  }

  #object(shape: ObjectShape, node: ConfigNode, path: string): ConfigNode {
    const children = node.children.map((child) =>
      this.#field(fieldOf(shape, child.name), child, `${path}.${child.name}`),
    );
    return { ...node, children };
  }

  #field(field: Field | undefined, node: ConfigNode, path: string): ConfigNode {
    if (field?.kind === 'object') return this.#object(field.shape, node, path);
    if (field?.kind === 'list') {
      const children = node.children.map((child, index) =>
        this.#object(field.shape, child, `${path}.${child.name}[${index}]`),
      );
      return { ...node, children };
    }
    const isKey = field?.kind === 'scalar' && (field.type === 'key' || field.type === 'filter');
    return isKey ? node : this.#free(node, path);
  }

  #free(node: ConfigNode, path: string): ConfigNode {
    const children = node.children.map((child) => this.#free(child, `${path}.${child.name}`));
    if (!node.text?.includes('${') || isFromOutside(node.origin)) return { ...node, children };
    const expanded = this.#expandReporting(node, path);
    if (expanded === undefined) return { ...node, children };
    return { ...node, children, text: expanded.text, origin: { ...node.origin, variables: expanded.variables } };
  }

  #expandReporting(node: ConfigNode, path: string): Expanded | undefined {
    try {
      return this.#expand(node.text!, 0);
    } catch (error) {
      if (!(error instanceof VariableProblem)) throw error;
      const details = { value: node.text, nearest: error.nearest };
      this.#problems.add('AEP_MODEL_VARIABLE', { origin: node.origin, path }, error.message, details);
      return undefined;
    }
  }

  #expand(text: string, depth: number): Expanded {
    if (depth > NESTING_MAX) throw new VariableProblem(`variables are nested more than ${NESTING_MAX} deep`);
    const variables: string[] = [];
    let result = '';
    let from = 0;
    for (let start = text.indexOf('${'); start !== -1; start = text.indexOf('${', from)) {
      const end = findEnd(text, start);
      if (end === -1) throw new VariableProblem(`"\${" without its "}" in ${quote(text)}`);
      const value = this.#resolve(text.slice(start + 2, end), depth);
      variables.push(...value.variables);
      result += text.slice(from, start) + value.text;
      if (result.length > EXPANDED_LENGTH_MAX)
        throw new VariableProblem(`the value grows beyond ${EXPANDED_LENGTH_MAX} characters`);
      from = end + 1;
    }
    return { text: result + text.slice(from), variables };
  }

  #resolve(reference: string, depth: number): Expanded {
    const separator = findSeparator(reference);
    const writtenName = separator === -1 ? reference : reference.slice(0, separator);
    const name = this.#expand(writtenName, depth + 1).text.trim();
    if (name === '') throw new VariableProblem('"${}" without a name');
    const fromEnvironment = Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined;
    if (fromEnvironment !== undefined) return { text: fromEnvironment, variables: [`\${${name}} from environment`] };
    const envNode = this.#env.get(name);
    if (envNode !== undefined) {
      return {
        text: this.#expandEnv(name, envNode),
        variables: [`\${${name}} from ${describeOrigin(envNode.origin)}`],
      };
    }
    if (separator === -1) throw this.#unknownVariable(name);
    const byDefault = this.#expand(reference.slice(separator + 2), depth + 1);
    return { text: byDefault.text, variables: [...byDefault.variables, `\${${name}} from its default`] };
  }

  #expandEnv(name: string, node: ConfigNode): string {
    const known = this.#expandedEnv.get(name);
    if (known !== undefined) return known;
    if (this.#open.includes(name))
      throw new VariableProblem(`variables in a circle: ${[...this.#open, name].join(' -> ')}`);
    this.#open.push(name);
    try {
      const text = isFromOutside(node.origin) ? node.text! : this.#expand(node.text!, this.#open.length).text;
      this.#expandedEnv.set(name, text);
      return text;
    } finally {
      this.#open.pop();
    }
  }

  #indexEnv(node: ConfigNode, prefix: string): void {
    for (const child of node.children) {
      const name = prefix === '' ? child.name : `${prefix}.${child.name}`;
      if (child.children.length > 0) this.#indexEnv(child, name);
      else if (child.text !== undefined) this.#env.set(name, child);
    }
  }

  #unknownVariable(name: string): VariableProblem {
    const nearest = nearestKnownName(name, [...this.#env.keys(), ...Object.keys(this.#environment)]);
    const hint = nearest === undefined ? '' : ` (did you mean "${nearest}"?)`;
    const mend = `set it in <env> or in the environment, or give a default: \${${name}::value}`;
    return new VariableProblem(`the variable \${${name}} has no value${hint}: ${mend}`, nearest);
  }
}

/** Values given at the start are taken as they are. */
function isFromOutside(origin: Origin): boolean {
  return origin.kind === 'override' || origin.kind === 'environment';
}

/** Offset of the brace that closes the variable which starts at `start`, or -1. */
function findEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text.startsWith('${', at)) {
      depth++;
      at++;
    } else if (text[at] === '}' && --depth === 0) {
      return at;
    }
  }
  return -1;
}

/** Offset of the `::` between name and default that belongs to this variable and not to one inside it, or -1. */
function findSeparator(reference: string): number {
  let depth = 0;
  for (let at = 0; at < reference.length; at++) {
    if (reference.startsWith('${', at)) depth++;
    else if (reference[at] === '}') depth--;
    else if (depth === 0 && reference.startsWith('::', at)) return at;
  }
  return -1;
}

/** Carries a finding out of the recursion to the value that it belongs to; never leaves this file. */
class VariableProblem extends AepError {
  readonly nearest: string | undefined;

  constructor(message: string, nearest?: string) {
    super('AEP_MODEL_VARIABLE', 'reject', message);
    this.nearest = nearest;
  }
}
