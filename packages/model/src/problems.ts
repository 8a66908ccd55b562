import { AepError, nearestName } from '@aep/kernel';
import { type Origin, describeOrigin } from './config-node.js';

/** What can be wrong with a model; each has a heading in the README. */
export type ModelProblemCode =
  | 'AEP_MODEL_SYNTAX'
  | 'AEP_MODEL_FORBIDDEN'
  | 'AEP_MODEL_TOO_LARGE'
  | 'AEP_MODEL_SCHEMA'
  | 'AEP_MODEL_FIELD_UNKNOWN'
  | 'AEP_MODEL_FIELD_MISSING'
  | 'AEP_MODEL_DUPLICATE'
  | 'AEP_MODEL_VALUE'
  | 'AEP_MODEL_NAME_UNKNOWN'
  | 'AEP_MODEL_PROFILE_UNKNOWN'
  | 'AEP_MODEL_TEMPLATE'
  | 'AEP_MODEL_VARIABLE'
  | 'AEP_MODEL_OVERRIDE'
  | 'AEP_MODEL_DESCRIPTOR'
  | 'AEP_MODEL_RELATION';

/** One thing that is wrong, and where. */
export interface ModelProblem {
  readonly code: ModelProblemCode;
  readonly file: string;
  /** From 1; 0 when the place has none (an override, code). */
  readonly line: number;
  /** From 1; 0 when unknown. */
  readonly column: number;
  /** Where in the model: `model.buses.bus[0].port`. */
  readonly path: string;
  /** What is written there; null when nothing is, or when it is a secret. */
  readonly value: string | null;
  /** What may be written there. */
  readonly allowed: string | null;
  /** The known name that was probably meant. */
  readonly nearest: string | null;
  /** All of it in one line, without the place. */
  readonly message: string;
  /** The place for people, with profile, template, override or environment variable. */
  readonly place: string;
}

/** The model cannot be used. `problems` has every finding, in the order of the file. */
export class ModelError extends AepError {
  readonly problems: readonly ModelProblem[];

  constructor(file: string, problems: readonly ModelProblem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
    super('AEP_MODEL_INVALID', 'reject', `${file}: ${count}\n${lines.join('\n')}`, {
      file,
      problems: problems.length,
      first: problems[0]?.code,
    });
    this.problems = problems;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), problems: this.problems };
  }
}

/** `model.xml:12:7 model.buses.bus[0].port: expected …, got "70000" [AEP_MODEL_VALUE]` */
export function formatProblem(problem: ModelProblem): string {
  const path = problem.path === '' ? '' : ` ${problem.path}`;
  return `${problem.place}${path}: ${problem.message} [${problem.code}]`;
}

export interface ProblemDetails {
  readonly value?: string | undefined;
  readonly allowed?: string | undefined;
  readonly nearest?: string | undefined;
}

/** Collects what is wrong, so that one run tells everything. */
export class ProblemList {
  readonly #file: string;
  readonly #problems: ModelProblem[] = [];
  readonly #seen = new Set<string>();
  readonly #places = new Set<string>();
  #omitted = 0;

  constructor(file: string) {
    this.#file = file;
  }

  get isEmpty(): boolean {
    return this.#problems.length === 0;
  }

  get count(): number {
    return this.#problems.length;
  }

  add(
    code: ModelProblemCode,
    at: { origin: Origin; path: string },
    message: string,
    details: ProblemDetails = {},
  ): void {
    const { file, line, column } = at.origin;
    // A template or a profile is checked where it stands and again where it is used: one mistake, one problem.
    const identity = `${placeOf(at)} ${message}`;
    if (this.#seen.has(identity)) return;
    this.#seen.add(identity);
    this.#places.add(placeOf(at));
    if (this.#problems.length >= PROBLEMS_MAX) {
      this.#omitted++;
      return;
    }
    this.#problems.push({
      code,
      file: file === '' ? this.#file : file,
      line,
      column,
      path: at.path,
      value: details.value === undefined ? null : shorten(details.value),
      allowed: details.allowed ?? null,
      nearest: details.nearest ?? null,
      message,
      place: describeOrigin(at.origin),
    });
  }

  /** True when something is known to be wrong with just this value: what follows from it need not be told. */
  isReported(at: { origin: Origin; path: string }): boolean {
    return this.#places.has(placeOf(at));
  }

  /** An unknown name among known ones: says the nearest, and what there is. */
  addUnknown(code: ModelProblemCode, at: { origin: Origin; path: string }, what: string, given: UnknownName): void {
    const names = { wrong: given.wrong, known: given.known.filter((name) => name !== '') };
    if (this.#problems.length >= PROBLEMS_MAX) return this.add(code, at, `${what} ${quote(names.wrong)}`);
    const nearest = nearestKnownName(names.wrong, names.known);
    const hint = nearest === undefined ? '' : `: did you mean ${quote(nearest)}?`;
    const allowed = names.known.length === 0 ? 'nothing' : names.known.slice(0, NAMES_SHOWN_MAX).join(', ');
    const known =
      nearest === undefined ? ` (known: ${allowed}${names.known.length > NAMES_SHOWN_MAX ? ', …' : ''})` : '';
    this.add(code, at, `${what} ${quote(names.wrong)}${hint}${known}`, { value: names.wrong, allowed, nearest });
  }

  /** @throws ModelError when anything was found. */
  throwIfAny(): void {
    if (!this.isEmpty) this.throw();
  }

  /** @throws ModelError with what was found. */
  throw(): never {
    const sorted = this.#problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    if (this.#omitted > 0) {
      const last = sorted[sorted.length - 1]!;
      const message = `and ${this.#omitted} more problems; mend these first`;
      sorted.push({
        ...last,
        code: 'AEP_MODEL_TOO_LARGE',
        path: '',
        value: null,
        allowed: null,
        nearest: null,
        message,
      });
    }
    throw new ModelError(this.#file, Object.freeze(sorted));
  }
}

/** Comparing names costs the product of their lengths: of very many, or very long ones, only the first are tried. */
const NAMES_COMPARED_MAX = 200;
const COMPARED_LENGTH_MAX = 80;

/** The known name that was probably meant; undefined when none is near. */
export function nearestKnownName(wrong: string, known: readonly string[]): string | undefined {
  const candidates = known.slice(0, NAMES_COMPARED_MAX).filter((name) => name.length <= COMPARED_LENGTH_MAX);
  return wrong.length > COMPARED_LENGTH_MAX ? undefined : nearestName(wrong, candidates);
}

function placeOf(at: { origin: Origin; path: string }): string {
  const place = describeOrigin({ ...at.origin, profile: null, template: null, variables: [] });
  return at.origin.line === 0 ? `${place} ${at.path}` : place;
}

export interface UnknownName {
  readonly wrong: string;
  /** Empty names are left out; they are those of things without one. */
  readonly known: readonly string[];
}

/** More than this nobody reads; a hostile file would otherwise make the message its own size. */
const PROBLEMS_MAX = 200;
const NAMES_SHOWN_MAX = 12;
const VALUE_LENGTH_MAX = 120;

export function shorten(value: string): string {
  return value.length <= VALUE_LENGTH_MAX ? value : `${value.slice(0, VALUE_LENGTH_MAX)}…`;
}

/** The value in quotes, on one line and not longer than a line. */
export function quote(value: string): string {
  return JSON.stringify(shorten(value));
}
