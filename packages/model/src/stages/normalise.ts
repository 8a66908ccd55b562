import { type ConfigNode } from '../config-node.js';
import { type Field, type ListField, type ObjectShape } from '../shape/field.js';

/**
 * Brings the spellings of a model into one form: every list is a node whose children bear the name of its item, as in
 * XML. In JSON and code a list is an array, or an object with the item's name as key; some lists may also be left out
 * around their items (M7). What does not fit stays as it is, for the check to report.
 */
export function normalise(shape: ObjectShape, node: ConfigNode): ConfigNode {
  const bareLists = Object.entries(shape.fields).filter(isBareList);
  let children = node.children;
  for (const [listName, field] of bareLists) children = gatherBareItems(children, listName, field, shape);
  return {
    ...node,
    children: children.map((child) => {
      const field = fieldOf(shape, child.name);
      return field === undefined ? child : normaliseField(field, child);
    }),
  };
}

/** The field of that name; never one that the prototype of the table has. */
export function fieldOf(shape: ObjectShape, name: string): Field | undefined {
  return Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
}

function normaliseField(field: Field, node: ConfigNode): ConfigNode {
  if (field.kind === 'object') return normalise(field.shape, node);
  if (field.kind === 'list') return normaliseList(field, node);
  return node;
}

function normaliseList(field: ListField, node: ConfigNode): ConfigNode {
  const children = node.children.flatMap((child): ConfigNode[] => {
    if (child.name === 'templates' && field.templated) return [normaliseList({ ...field, templated: false }, child)];
    if (child.name !== '' && child.name !== field.itemName) return [child];
    const isArrayOfItems = child.name === field.itemName && child.isArray === true;
    const items = isArrayOfItems ? child.children : [child];
    return items.map((item) => normalise(field.shape, { ...item, name: field.itemName }));
  });
  return { ...node, children, isArray: undefined };
}

function isBareList(entry: [string, Field]): entry is [string, ListField] {
  return entry[1].kind === 'list' && entry[1].bare;
}

/**
 * `<bus><channel/><filter/></bus>` and `<bus><channels><channel/><filter/></channels></bus>` both become
 * `<bus><channels><channel/></channels><filter/></bus>`.
 */
function gatherBareItems(
  children: readonly ConfigNode[],
  listName: string,
  field: ListField,
  parent: ObjectShape,
): ConfigNode[] {
  const listNode = children.find((child) => child.name === listName);
  const belongsToParent = (child: ConfigNode): boolean =>
    child.name !== field.itemName && fieldOf(parent, child.name)?.kind === 'scalar';
  const bareItems = children.filter((child) => child.name === field.itemName);
  const strays = listNode?.children.filter(belongsToParent) ?? [];
  if (bareItems.length === 0 && strays.length === 0) return [...children];

  const rest = children.filter((child) => child !== listNode && child.name !== field.itemName);
  const kept = listNode?.children.filter((child) => !belongsToParent(child)) ?? [];
  const origin = (listNode ?? bareItems[0]!).origin;
  return [...rest, ...strays, { name: listName, text: undefined, children: [...kept, ...bareItems], origin }];
}
