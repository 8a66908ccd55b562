import { type ConfigNode, codeOrigin } from '../config-node.js';
import { type ProblemList } from '../problems.js';
import { DEPTH_MAX, FORBIDDEN_NAMES, NODES_MAX } from './limits.js';

/**
 * Reads an object written in code (M10) into nodes. Own enumerable keys only; undefined means left out.
 *
 * @param file what to call the source in messages
 * @returns undefined when the object cannot be a model; the reasons are in `problems`
 */
export function readObject(input: unknown, file: string, problems: ProblemList): ConfigNode | undefined {
  const reader = new ObjectReader(file, problems);
  const node = reader.read('model', input, { path: 'model', depth: 0 });
  return reader.isTooLarge ? undefined : node;
}

interface Place {
  readonly path: string;
  readonly depth: number;
}

class ObjectReader {
  readonly #file: string;
  readonly #problems: ProblemList;
  #nodes = 0;
  isTooLarge = false;

  constructor(file: string, problems: ProblemList) {
    this.#file = file;
    this.#problems = problems;
  }

  read(name: string, value: unknown, place: Place): ConfigNode | undefined {
    const origin = codeOrigin(this.#file);
    if (!this.#hasRoom(place)) return undefined;
    if (typeof value === 'string') return { name, text: value, children: [], origin };
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) {
      return { name, text: String(value), children: [], origin };
    }
    if (typeof value !== 'object' || value === null) {
      const at = { origin, path: place.path };
      this.#problems.add('AEP_MODEL_VALUE', at, `${describe(value)} is not a value: leave the key out`);
      return undefined;
    }
    const isArray = Array.isArray(value) || undefined;
    return { name, text: undefined, children: this.#readChildren(value, place), isArray, origin };
  }

  #readChildren(parent: object, place: Place): ConfigNode[] {
    const isArray = Array.isArray(parent);
    const children: ConfigNode[] = [];
    for (const [key, value] of Object.entries(parent)) {
      if (value === undefined) continue;
      const path = isArray ? `${place.path}[${key}]` : `${place.path}.${key}`;
      if (FORBIDDEN_NAMES.has(key)) {
        const at = { origin: codeOrigin(this.#file), path };
        this.#problems.add('AEP_MODEL_FORBIDDEN', at, `the key "${key}" is refused`, { value: key });
        continue;
      }
      const child = this.read(isArray ? '' : key, value, { path, depth: place.depth + 1 });
      if (child !== undefined) children.push(child);
    }
    return children;
  }

  /** The depth also ends an object that contains itself. */
  #hasRoom(place: Place): boolean {
    if (this.isTooLarge) return false;
    this.#nodes++;
    if (place.depth <= DEPTH_MAX && this.#nodes <= NODES_MAX) return true;
    const what = place.depth > DEPTH_MAX ? `more than ${DEPTH_MAX} levels` : `more than ${NODES_MAX} keys and items`;
    this.#problems.add('AEP_MODEL_TOO_LARGE', { origin: codeOrigin(this.#file), path: place.path.slice(0, 200) }, what);
    this.isTooLarge = true;
    return false;
  }
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value === 'number' ? String(value) : `a ${typeof value}`;
}
