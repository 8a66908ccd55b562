import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadModel } from '@aep/model';
import { problemsOf } from './models.js';

/** The concluded app with one value written, as attribute of one of its parts. */
const app = (part: string, name: string, value: string) =>
  `<model><apps><app name="a" mainClass="x"><${part} ${name}="${value}"/></app></apps></model>`;

describe('value types (M8)', () => {
  test('durations have a unit and a range', () => {
    const load = (value: string) =>
      loadModel({ text: app('policies', 'stuckAlertThreshold', value), file: 'm' }).apps[0]?.policies
        .stuckAlertThresholdMs;
    assert.deepEqual(
      ['250ms', '5s', '2m', '3h', '1d', ' 7s '].map(load),
      [250, 5000, 120_000, 10_800_000, 86_400_000, 7000],
    );
    for (const value of ['5', '0ms', '5 s', '-5s', '1.5s', '5S', '5sec', 's', '99999999999999d', '4000d', '1e3ms']) {
      assert.equal(problemsOf(app('policies', 'stuckAlertThreshold', value))[0]?.code, 'AEP_MODEL_VALUE', value);
    }
  });

  test('sizes have a unit and a range', () => {
    const load = (value: string) =>
      loadModel({ text: app('limits', 'messageBytesMax', value), file: 'm' }).apps[0]?.limits.messageBytesMax;
    assert.deepEqual(['64B', '64KiB', '1MiB', '15MiB'].map(load), [64, 65_536, 2 ** 20, 15 * 2 ** 20]);
    for (const value of ['64', '63B', '64KB', '16MiB', '64kib', '1 MiB', '-1MiB']) {
      assert.equal(problemsOf(app('limits', 'messageBytesMax', value))[0]?.code, 'AEP_MODEL_VALUE', value);
    }
  });

  test('integers have a range, booleans two words, choices theirs', () => {
    const faults = [
      ['policies', 'retriesMax', '-1'],
      ['policies', 'retriesMax', '1001'],
      ['policies', 'retriesMax', '0x10'],
      ['policies', 'retriesMax', '+1'],
      ['policies', 'retriesMax', '99999999999999999999'],
      ['storage', 'verifyReplay', 'TRUE'],
      ['storage', 'verifyReplay', '1'],
      ['storage', 'durability', 'Disk'],
    ] as const;
    for (const [part, name, value] of faults) {
      const [problem, ...rest] = problemsOf(app(part, name, value));
      assert.deepEqual([problem?.code, problem?.value, rest.length], ['AEP_MODEL_VALUE', value, 0]);
    }
  });

  test('values that belong together are compared (the longest wait is not below the first)', () => {
    const [problem] = problemsOf(app('policies', 'retryDelay', '5s'));
    assert.equal(problem?.code, 'AEP_MODEL_RELATION');
    assert.equal(problem.message, 'retryDelayMax (1000ms) is below retryDelay (5000ms)');
  });

  test('names start with a letter and have no spaces or slashes', () => {
    for (const name of ['1a', 'a b', 'a/b', '-a', 'ä', 'a'.repeat(201), '']) {
      const text = `<model><apps><app name="${name}" mainClass="x"/></apps></model>`;
      assert.deepEqual(
        problemsOf(text).map((problem) => problem.path),
        ['model.apps.app[0].name'],
        name,
      );
    }
    for (const name of ['a', 'A_1.b-c', 'a'.repeat(200)]) {
      loadModel({ text: `<model><apps><app name="${name}" mainClass="x"/></apps></model>`, file: 'm' });
    }
  });
});
