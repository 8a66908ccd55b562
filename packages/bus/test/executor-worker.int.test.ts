import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SystemClock } from '@aep/kernel';
import { ExecutorProvider } from '@aep/bus';
import { realTime } from '@aep/bus/contract';
import { ExecutorWorld } from './executor-world.js';

/** Beside this file once both are compiled. */
const baseDirectory = new URL('./tasks/', import.meta.url).pathname;

function makeWorld(properties: Record<string, string> = {}): ExecutorWorld {
  return new ExecutorWorld(realTime(new SystemClock()), new ExecutorProvider({ baseDirectory }), properties);
}

describe('the executor bus with worker threads', () => {
  it('runs tasks in order of their results', async () => {
    const world = makeWorld();
    const a = await world.makeApp().openAndJoin('results');
    a.sendAll('tasks', 'k', ['one', 'two', 'nothing', 'three']);
    await world.until(() => a.confirmed.length === 4, 'all is confirmed');
    assert.deepEqual(a.texts(), ['ONE #1', 'TWO #1', 'THREE #1']);
    await a.close();
  });

  it('survives tasks that throw, crash their thread or hang, and goes on with the next one', async () => {
    // Long enough for a thread to start on a busy machine: that counts, too.
    const world = makeWorld({ taskTimeoutMs: '2000', attemptsMax: '2', workers: '1' });
    const a = await world.makeApp().openAndJoin('results');
    a.sendAll('tasks', 'k', ['throw', 'crash', 'crash once', 'hang', 'fine']);
    await world.until(() => a.confirmed.length === 5, 'all is confirmed');
    const [thrown, crashed, once, hung, fine] = a.texts();
    assert.match(thrown!, /no good/);
    assert.match(crashed!, /ended with code 7/);
    assert.equal(once, 'CRASH ONCE #2');
    assert.match(hung!, /taskTimeoutMs/);
    assert.equal(fine, 'FINE #1');
    await a.close();
  });

  for (const [module, word] of [
    ['./not-there.js', 'not-there'],
    ['./tasks.js#nothingOfThatName', 'upperCase'],
    ['some-package', 'starts with ./'],
  ] as const) {
    it(`fails its start when the module is ${module}`, async () => {
      const a = makeWorld({ module }).makeApp();
      await assert.rejects(a.open(), (error: { code: string; message: string }) => {
        return error.code === 'AEP_EXECUTOR_MODULE' && error.message.includes(word);
      });
    });
  }
});
