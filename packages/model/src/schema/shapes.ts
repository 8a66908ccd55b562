import { type ObjectShape } from '../shape/field.js';

/** Every shape that is reachable from one, itself first, each once. */
export function shapesOf(root: ObjectShape): ObjectShape[] {
  const found = new Set<ObjectShape>();
  const visit = (shape: ObjectShape): void => {
    if (found.has(shape)) return;
    found.add(shape);
    for (const field of Object.values(shape.fields)) {
      if (field.kind === 'object' || field.kind === 'list') visit(field.shape);
    }
  };
  visit(root);
  return [...found];
}
