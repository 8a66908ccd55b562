import { type ConfigNode, childNamed, itemNameOf, markOrigin } from '../config-node.js';
import { type ProblemList, quote } from '../problems.js';
import { type ListField } from '../shape/field.js';
import { MODEL } from '../shape/root.js';
import { mergeObject } from './merge.js';
import { fieldOf } from './normalise.js';

/** M1: lays each bus, app and xvm over the template that it names, and takes the templates away. */
export function applyTemplates(root: ConfigNode, problems: ProblemList): ConfigNode {
  const children = root.children.map((child) => {
    const field = fieldOf(MODEL, child.name);
    return field?.kind === 'list' && field.templated ? new TemplatedList(child, field, problems).apply() : child;
  });
  return { ...root, children };
}

class TemplatedList {
  readonly #list: ConfigNode;
  readonly #field: ListField;
  readonly #problems: ProblemList;
  readonly #templates = new Map<string, ConfigNode>();

  constructor(list: ConfigNode, field: ListField, problems: ProblemList) {
    this.#list = list;
    this.#field = field;
    this.#problems = problems;
    for (const template of childNamed(list, 'templates')?.children ?? []) {
      const name = itemNameOf(template);
      if (name !== undefined) this.#templates.set(name, template);
    }
  }

  apply(): ConfigNode {
    const items = this.#list.children.filter((child) => child.name !== 'templates');
    return { ...this.#list, children: items.map((item) => this.#resolve(item, [])) };
  }

  /** The item over its template, which may itself have one. */
  #resolve(item: ConfigNode, chain: readonly string[]): ConfigNode {
    const reference = childNamed(item, 'template');
    const name = reference?.text;
    if (reference === undefined || name === undefined) return item;
    const own: ConfigNode = { ...item, children: item.children.filter((child) => child !== reference) };
    const at = {
      origin: reference.origin,
      path: `model.${this.#list.name}.${item.name}(${itemNameOf(item) ?? ''}).template`,
    };
    if (chain.includes(name)) {
      const circle = [...chain, name].map(quote).join(' -> ');
      this.#problems.add('AEP_MODEL_TEMPLATE', at, `templates in a circle: ${circle}`, { value: name });
      return own;
    }
    const template = this.#templates.get(name);
    if (template === undefined) {
      const known = [...this.#templates.keys()];
      this.#problems.addUnknown('AEP_MODEL_TEMPLATE', at, `there is no ${item.name} template`, { wrong: name, known });
      return own;
    }
    const base = this.#resolve(template, [...chain, name]);
    return { ...mergeObject(this.#field.shape, markOrigin(base, { template: name }), own), origin: item.origin };
  }
}
