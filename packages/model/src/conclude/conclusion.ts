import { type ConfigNode, type Origin, DEFAULT_ORIGIN, itemNameOf } from '../config-node.js';
import { ConfigTree } from '../config-tree.js';
import { type ProblemList } from '../problems.js';
import { isSecret } from '../secrets.js';
import { type Field, type ListField, type ObjectShape, type ScalarField, concludedName } from '../shape/field.js';
import { readValue, writeValue } from '../values.js';

/** A concluded object that is still being filled: values that follow from others may be missing. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] | null };

/** Where in the model: by index for messages, by name for overrides. */
interface Place {
  readonly path: string;
  readonly setting: string;
}

/** One value of the model with where it came from. */
export interface ConfigValue {
  /** `model.apps.app[0].storage.durability` */
  readonly path: string;
  /** The name under which it can be overridden: `x.apps.orders.storage.durability`. */
  readonly setting: string;
  /** As concluded: durations in milliseconds, sizes in bytes. */
  readonly value: string | number | boolean | null;
  /** The value must not be printed; formatConfig prints `(secret)`. */
  readonly secret: boolean;
  /** As it would be written: durations and sizes with their unit; null when there is none. */
  readonly written: string | null;
  readonly origin: Origin;
}

interface Entry {
  readonly path: string;
  readonly setting: string;
  readonly holder: Record<string, unknown>;
  readonly property: string;
  readonly secret: boolean;
  /** Undefined for a value with a free name. */
  readonly field: ScalarField | undefined;
  origin: Origin;
}

/**
 * Turns a checked tree into objects without gaps: defaults are filled in, units converted, and the origin of every
 * value is kept. What does not fit has been reported by the check; here it counts as not written, so that the rest
 * can still be looked at.
 */
export class Conclusion {
  readonly problems: ProblemList;
  readonly #entries: Entry[] = [];
  readonly #entriesByHolder = new Map<object, Entry[]>();
  /** Where an object or value of the result was written, for checks of relations. */
  readonly #places = new Map<object, { origin: Origin; path: string }>();

  constructor(problems: ProblemList) {
    this.problems = problems;
  }

  object(shape: ObjectShape, node: ConfigNode | undefined, place: Place): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    this.#places.set(result, { origin: node?.origin ?? DEFAULT_ORIGIN, path: place.path });
    for (const [name, field] of Object.entries(shape.fields)) {
      if ('consumed' in field && field.consumed) continue;
      const child = node?.children.find((candidate) => candidate.name === name);
      const childPlace = { path: `${place.path}.${name}`, setting: `${place.setting}.${name}` };
      const property = concludedName(name, field);
      if (field.kind === 'scalar') this.#scalar(field, child, childPlace, { holder: result, property, parent: node });
      else result[property] = this.#structure(field, child, childPlace);
    }
    return result;
  }

  /** Where an object of the result stands, or one of its values. */
  placeOf(holder: object, property?: string): { origin: Origin; path: string } {
    const place = this.#places.get(holder) ?? { origin: DEFAULT_ORIGIN, path: 'model' };
    const entry = property === undefined ? undefined : this.#entryOf(holder, property);
    if (entry === undefined) return place;
    // A value that was not written has no place of its own; its surroundings have.
    return { origin: entry.origin.kind === 'default' ? place.origin : entry.origin, path: entry.path };
  }

  isWritten(holder: object, property: string): boolean {
    const entry = this.#entryOf(holder, property);
    return entry !== undefined && entry.origin.kind !== 'default';
  }

  /** Fills a value that follows from another one, which is where it came from. */
  fill<T extends object, K extends keyof T & string>(
    holder: T,
    property: K,
    value: T[K],
    source?: [object, string],
  ): void {
    holder[property] = value;
    const entry = this.#entryOf(holder, property);
    const from = source === undefined ? undefined : this.#entryOf(...source);
    if (entry !== undefined && from !== undefined) entry.origin = from.origin;
  }

  /** Adds to the properties of an object what follows from one of its values, which is where it came from. */
  addProperty(properties: Readonly<Record<string, string>>, property: DerivedProperty): void {
    const { name, value, source } = property;
    const holder = properties as Record<string, string>;
    holder[name] = value;
    const from = this.#entryOf(...source);
    if (from === undefined) return;
    const sibling = (path: string): string => `${path.slice(0, path.lastIndexOf('.'))}.properties.${name}`;
    const [path, setting] = [sibling(from.path), sibling(from.setting)];
    const secret = isSecret(name, value);
    this.#addEntry({ path, setting, holder, property: name, secret, field: undefined, origin: from.origin });
  }

  values(): ConfigValue[] {
    return this.#entries.map(({ path, setting, holder, property, secret, field, origin }) => {
      const value = holder[property] as ConfigValue['value'];
      const written = value === null ? null : field === undefined ? String(value) : writeValue(field, value);
      return Object.freeze({ path, setting, value, secret, written, origin });
    });
  }

  #addEntry(entry: Entry): void {
    this.#entries.push(entry);
    const siblings = this.#entriesByHolder.get(entry.holder);
    if (siblings === undefined) this.#entriesByHolder.set(entry.holder, [entry]);
    else siblings.push(entry);
  }

  #entryOf(holder: object, property: string): Entry | undefined {
    return this.#entriesByHolder.get(holder)?.find((entry) => entry.property === property);
  }

  #structure(field: Exclude<Field, ScalarField>, node: ConfigNode | undefined, place: Place): unknown {
    switch (field.kind) {
      case 'object':
        return field.optional && node === undefined ? null : this.object(field.shape, node, place);
      case 'list':
        return this.#list(field, node, place);
      case 'map':
        return this.#free(node, place);
      case 'tree':
        return new ConfigTree(this.#free(node, place));
    }
  }

  #list(field: ListField, node: ConfigNode | undefined, place: Place): unknown[] {
    const items = (node?.children ?? []).filter((child) => child.name === field.itemName);
    return items.map((item, index) =>
      this.object(field.shape, item, {
        path: `${place.path}.${field.itemName}[${index}]`,
        setting: `${place.setting}.${itemNameOf(item) ?? index}`,
      }),
    );
  }

  #scalar(field: ScalarField, node: ConfigNode | undefined, place: Place, target: ScalarTarget): void {
    const { holder, property } = target;
    holder[property] = this.#read(field, node?.text) ?? this.#default(field);
    const origin = node?.origin ?? DEFAULT_ORIGIN;
    const secret = field.secret || isSecret(property, holder[property]);
    this.#addEntry({ ...place, holder, property, secret, field, origin });
    // A missing name has been reported by the check, which sees unused profiles and templates as well.
    if (node !== undefined || field.default !== undefined || place.path.endsWith('.name')) return;
    const at = { origin: target.parent?.origin ?? DEFAULT_ORIGIN, path: place.path };
    this.problems.add('AEP_MODEL_FIELD_MISSING', at, `is missing: ${field.doc}`);
  }

  #read(field: ScalarField, text: string | undefined): string | number | boolean | undefined {
    if (text === undefined) return undefined;
    // Names are taken even when they are misspelled: references to them are then not wrong as well.
    if (field.type === 'name') return text;
    const result = readValue(field, text);
    return result.ok ? result.value : undefined;
  }

  #default(field: ScalarField): string | number | boolean | null {
    if (field.default === null) return null;
    // What has to be written and is not has been reported; the empty text keeps the rest free of nulls until then.
    return field.default === undefined ? '' : (this.#read(field, field.default) ?? null);
  }

  #free(node: ConfigNode | undefined, place: Place): Record<string, string> {
    const values = Object.create(null) as Record<string, string>;
    if (node !== undefined) this.#collectFree(node, place, '', values);
    return values;
  }

  #collectFree(node: ConfigNode, place: Place, prefix: string, values: Record<string, string>): void {
    for (const child of node.children) {
      const name = prefix === '' ? child.name : `${prefix}.${child.name}`;
      if (child.children.length > 0) {
        this.#collectFree(child, place, name, values);
        continue;
      }
      values[name] = child.text ?? '';
      const path = `${place.path}.${name}`;
      const setting = `${place.setting}.${name}`;
      const secret = isSecret(name, child.text);
      this.#addEntry({ path, setting, holder: values, property: name, secret, field: undefined, origin: child.origin });
    }
  }
}

interface DerivedProperty {
  readonly name: string;
  readonly value: string;
  readonly source: [holder: object, property: string];
}

interface ScalarTarget {
  readonly holder: Record<string, unknown>;
  readonly property: string;
  /** The node that should hold the value. */
  readonly parent: ConfigNode | undefined;
}
