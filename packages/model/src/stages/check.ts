import { type ConfigNode, itemNameOf } from '../config-node.js';
import { nearestKnownName, type ProblemList, quote } from '../problems.js';
import { REDACTED, isSecret } from '../secrets.js';
import { type Field, type FreeField, type ListField, type ObjectShape, type ScalarField } from '../shape/field.js';
import { allowedBy, knownWords, readValue } from '../values.js';
import { fieldOf } from './normalise.js';

/**
 * Compares a tree with the table of fields and reports everything that does not belong: unknown names, values of the
 * wrong type, things that are there twice. Runs on the source as it is written, with all its profiles and templates,
 * and again on what has become of it, when variables and overrides are in.
 */
export class Check {
  readonly #problems: ProblemList;
  /** `written`: values that still hold a `${variable}` are left for the second run. */
  readonly #stage: 'written' | 'final';

  constructor(problems: ProblemList, stage: 'written' | 'final') {
    this.#problems = problems;
    this.#stage = stage;
  }

  object(shape: ObjectShape, node: ConfigNode, path: string): void {
    if (this.#refuseArray(node, path)) return;
    this.#refuseText(node, path);
    const seen = new Set<string>();
    for (const child of node.children) {
      const field = fieldOf(shape, child.name);
      if (field === undefined) this.#addUnknownField(child, path, Object.keys(shape.fields));
      else if (seen.has(child.name)) this.#addDuplicate(child, path);
      else this.#field(field, child, `${path}.${child.name}`);
      seen.add(child.name);
    }
    if (fieldOf(shape, 'name') !== undefined && !seen.has('name')) {
      this.#problems.add('AEP_MODEL_FIELD_MISSING', { origin: node.origin, path }, `<${node.name}> has no name`);
    }
  }

  #field(field: Field, node: ConfigNode, path: string): void {
    switch (field.kind) {
      case 'scalar':
        return this.#scalar(field, node, path);
      case 'object':
        return this.object(field.shape, node, path);
      case 'list':
        return this.#list(field, node, path);
      case 'tree':
      case 'map':
        return this.#free(field, node, path);
    }
  }

  #list(field: ListField, node: ConfigNode, path: string): void {
    this.#refuseText(node, path);
    const names = new Set<string>();
    let index = 0;
    for (const child of node.children) {
      if (child.name === 'templates' && field.templated) {
        this.#list({ ...field, templated: false }, child, `${path}.templates`);
      } else if (child.name === field.itemName) {
        const itemPath = `${path}.${field.itemName}[${index++}]`;
        this.object(field.shape, child, itemPath);
        this.#checkItemName(child, itemPath, names);
      } else {
        this.#addUnknownField(child, path, field.templated ? [field.itemName, 'templates'] : [field.itemName]);
      }
    }
  }

  #checkItemName(item: ConfigNode, path: string, names: Set<string>): void {
    const name = itemNameOf(item);
    if (name === undefined) return;
    if (names.has(name)) {
      const nameNode = item.children.find((child) => child.name === 'name')!;
      const at = { origin: nameNode.origin, path: `${path}.name` };
      this.#problems.add('AEP_MODEL_DUPLICATE', at, `there is another ${item.name} with the name ${quote(name)}`, {
        value: name,
      });
    }
    names.add(name);
  }

  #scalar(field: ScalarField, node: ConfigNode, path: string): void {
    const at = { origin: node.origin, path };
    if (node.text === undefined || node.children.length > 0) {
      this.#problems.add('AEP_MODEL_VALUE', at, `expected ${allowedBy(field)}, got a nested structure`, {
        allowed: allowedBy(field),
      });
      return;
    }
    const isKey = field.type === 'key' || field.type === 'filter';
    if (this.#stage === 'written' && !isKey && node.text.includes('${')) return;
    if (this.#problems.isReported(at)) return;
    const result = readValue(field, node.text);
    if (result.ok) return;
    const shown = field.secret ? REDACTED : node.text;
    const nearest = nearestKnownName(node.text, knownWords(field));
    const hint = nearest === undefined ? '' : ` (did you mean ${quote(nearest)}?)`;
    const message = `expected ${result.expected}, got ${quote(shown)}${hint}`;
    this.#problems.add('AEP_MODEL_VALUE', at, message, { value: shown, allowed: result.expected, nearest });
  }

  #free(field: FreeField, node: ConfigNode, path: string): void {
    if (this.#refuseArray(node, path)) return;
    this.#refuseText(node, path);
    this.#freeChildren(field, node, { path, prefix: '', seen: new Set() });
  }

  #freeChildren(field: FreeField, node: ConfigNode, place: FreePlace): void {
    for (const child of node.children) {
      const name = place.prefix === '' ? child.name : `${place.prefix}.${child.name}`;
      const at = { origin: child.origin, path: `${place.path}.${name}` };
      if (this.#refuseArray(child, at.path)) continue;
      if (!FREE_NAME.test(child.name) || name.length > FREE_NAME_LENGTH_MAX) {
        const allowed = 'letters, digits, "_", "." and "-", starting with a letter or "_"';
        const message = `${quote(child.name)} is not a usable name: ${allowed}`;
        this.#problems.add('AEP_MODEL_VALUE', at, message, { value: child.name, allowed });
      } else if (child.children.length > 0) {
        if (child.text !== undefined) this.#refuseText(child, at.path);
        this.#freeChildren(field, child, { ...place, prefix: name });
      } else if (place.seen.has(name)) {
        this.#problems.add('AEP_MODEL_DUPLICATE', at, `${quote(name)} is there twice`, { value: name });
      } else {
        place.seen.add(name);
        this.#checkFreeText(child, at.path);
      }
    }
  }

  #checkFreeText(node: ConfigNode, path: string): void {
    const length = node.text?.length ?? 0;
    if (length <= FREE_TEXT_LENGTH_MAX) return;
    const allowed = `at most ${FREE_TEXT_LENGTH_MAX} characters`;
    const value = isSecret(path, node.text) ? REDACTED : node.text;
    this.#problems.add('AEP_MODEL_VALUE', { origin: node.origin, path }, `expected ${allowed}, got ${length}`, {
      value,
      allowed,
    });
  }

  /** @returns true when the node is an array, which is then reported */
  #refuseArray(node: ConfigNode, path: string): boolean {
    if (node.isArray !== true) return false;
    this.#problems.add('AEP_MODEL_VALUE', { origin: node.origin, path }, 'a list cannot stand here');
    return true;
  }

  #refuseText(node: ConfigNode, path: string): void {
    if (node.text === undefined || node.text === '') return;
    const at = { origin: node.origin, path };
    const shown = isSecret(path, node.text) ? REDACTED : node.text;
    this.#problems.add('AEP_MODEL_VALUE', at, `a text cannot stand here, got ${quote(shown)}`, { value: shown });
  }

  #addDuplicate(node: ConfigNode, path: string): void {
    const at = { origin: node.origin, path: `${path}.${node.name}` };
    this.#problems.add('AEP_MODEL_DUPLICATE', at, `${quote(node.name)} is there twice`, { value: node.name });
  }

  #addUnknownField(node: ConfigNode, path: string, known: readonly string[]): void {
    const at = { origin: node.origin, path: `${path}.${node.name}` };
    this.#problems.addUnknown('AEP_MODEL_FIELD_UNKNOWN', at, 'unknown', { wrong: node.name, known });
  }
}

interface FreePlace {
  readonly path: string;
  readonly prefix: string;
  readonly seen: Set<string>;
}

const FREE_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const FREE_NAME_LENGTH_MAX = 1000;
const FREE_TEXT_LENGTH_MAX = 65_536;
