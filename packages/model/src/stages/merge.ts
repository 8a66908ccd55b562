import { type ConfigNode, itemNameOf } from '../config-node.js';
import { type Field, type ObjectShape } from '../shape/field.js';
import { fieldOf } from './normalise.js';

/**
 * Lays one tree over another: values of `over` replace those of `base`, parts and free trees are joined, items of lists
 * are joined by their name and otherwise added. Neither tree is changed.
 */
export function mergeObject(shape: ObjectShape, base: ConfigNode, over: ConfigNode): ConfigNode {
  return mergeChildren(base, over, (child) => fieldOf(shape, child.name));
}

function mergeField(field: Field | undefined, base: ConfigNode, over: ConfigNode): ConfigNode {
  if (field === undefined || field.kind === 'scalar') return over;
  switch (field.kind) {
    case 'object':
      return mergeObject(field.shape, base, over);
    case 'list':
      return mergeItems(field.shape, base, over);
    case 'tree':
    case 'map':
      return mergeFree(base, over);
  }
}

function mergeFree(base: ConfigNode, over: ConfigNode): ConfigNode {
  const isLeaf = base.children.length === 0 || over.children.length === 0;
  return isLeaf ? over : mergeChildren(base, over, () => FREE);
}

/** What is below a free tree is free too. */
const FREE: Field = { kind: 'tree', doc: '' };

function mergeChildren(
  base: ConfigNode,
  over: ConfigNode,
  fieldFor: (child: ConfigNode) => Field | undefined,
): ConfigNode {
  const merged = [...base.children];
  for (const child of over.children) {
    const index = merged.findIndex((candidate) => candidate.name === child.name);
    if (index === -1) merged.push(child);
    else merged[index] = mergeField(fieldFor(child), merged[index]!, child);
  }
  return { ...base, children: merged };
}

function mergeItems(shape: ObjectShape, base: ConfigNode, over: ConfigNode): ConfigNode {
  const merged = new Map(base.children.map((item) => [identityOf(item), item]));
  for (const item of over.children) {
    const under = merged.get(identityOf(item));
    // Templates of a profile join those of the model; they are a list inside the list.
    if (under !== undefined && item.name === 'templates') merged.set(identityOf(item), mergeItems(shape, under, item));
    else merged.set(identityOf(item), under === undefined ? item : mergeObject(shape, under, item));
  }
  return { ...base, children: [...merged.values()] };
}

function identityOf(item: ConfigNode): string {
  return `${item.name} ${itemNameOf(item) ?? ''}`;
}
