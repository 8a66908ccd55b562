import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { loadModel, type LoadModelOptions, ModelError, type ModelProblem } from '@aep/model';

export function fixture(name: string): string {
  return readFileSync(new URL(`../../test/fixtures/${name}`, import.meta.url), 'utf8');
}

/** The problems of a text that is no good model; fails when it loads, or fails in another way. */
export function problemsOf(text: string, options: LoadModelOptions = {}): readonly ModelProblem[] {
  return problemsOfCall(() => loadModel({ text, file: 'model' }, options));
}

export function problemsOfCall(call: () => unknown): readonly ModelProblem[] {
  try {
    call();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    assert.equal(error.code, 'AEP_MODEL_INVALID');
    assert.equal(error.advice, 'reject');
    return error.problems;
  }
  assert.fail('expected a ModelError');
}

/** `code path` of each problem, in order. */
export function outline(problems: readonly ModelProblem[]): string[] {
  return problems.map((problem) => `${problem.code} ${problem.path}`);
}
