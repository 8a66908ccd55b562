/** Where a value was written or came from. */
export interface Origin {
  readonly kind: 'file' | 'code' | 'override' | 'environment' | 'default';
  /** The file as it was named by the caller; empty when there is none. */
  readonly file: string;
  /** From 1; 0 when unknown. */
  readonly line: number;
  /** From 1, in UTF-16 units; 0 when unknown. */
  readonly column: number;
  /** The name of the override or of the environment variable; empty otherwise. */
  readonly name: string;
  readonly profile: string | null;
  readonly template: string | null;
  /** The variables that were filled in, each with where its value came from: `PORT from environment`. */
  readonly variables: readonly string[];
}

/**
 * One element or key of a model with its place in the source: the common form of XML, JSON and code, before anything
 * is known about what it means.
 */
export interface ConfigNode {
  /** Element name or key; empty for an item of a JSON array. */
  readonly name: string;
  /** The written value; undefined for a node that only has children. */
  readonly text: string | undefined;
  readonly children: readonly ConfigNode[];
  /** Written as an array. */
  readonly isArray?: true | undefined;
  readonly origin: Origin;
}

const NOWHERE: Origin = {
  kind: 'default',
  file: '',
  line: 0,
  column: 0,
  name: '',
  profile: null,
  template: null,
  variables: [],
};

export const DEFAULT_ORIGIN: Origin = Object.freeze(NOWHERE);

export function fileOrigin(file: string, line: number, column: number): Origin {
  return { ...NOWHERE, kind: 'file', file, line, column };
}

export function codeOrigin(file: string): Origin {
  return { ...NOWHERE, kind: 'code', file };
}

export function settingOrigin(kind: 'override' | 'environment', name: string): Origin {
  return { ...NOWHERE, kind, name };
}

export function childNamed(node: ConfigNode, name: string): ConfigNode | undefined {
  return node.children.find((child) => child.name === name);
}

/** The `name` of a list item as far as it is a plain value. */
export function itemNameOf(node: ConfigNode): string | undefined {
  return childNamed(node, 'name')?.text;
}

/** A copy whose every origin is marked as coming from a profile or a template; an inner mark stays. */
export function markOrigin(node: ConfigNode, mark: Partial<Pick<Origin, 'profile' | 'template'>>): ConfigNode {
  const origin: Origin = {
    ...node.origin,
    profile: node.origin.profile ?? mark.profile ?? null,
    template: node.origin.template ?? mark.template ?? null,
  };
  return { ...node, origin, children: node.children.map((child) => markOrigin(child, mark)) };
}

/** For people: `model.xml:12:7 (template "base", ${PORT} from environment)`. */
export function describeOrigin(origin: Origin): string {
  const details: string[] = [];
  if (origin.profile !== null) details.push(`profile "${origin.profile}"`);
  if (origin.template !== null) details.push(`template "${origin.template}"`);
  for (const variable of origin.variables) details.push(variable);
  const suffix = details.length === 0 ? '' : ` (${details.join(', ')})`;
  switch (origin.kind) {
    case 'file':
      return `${origin.file}:${origin.line}:${origin.column}${suffix}`;
    case 'code':
      return `${origin.file}${suffix}`;
    case 'override':
      return `override ${origin.name}`;
    case 'environment':
      return `environment ${origin.name}`;
    case 'default':
      return 'default';
  }
}
