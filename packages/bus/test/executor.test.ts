import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AepError, VirtualClock } from '@aep/kernel';
import {
  ExecutorFactory,
  ExecutorFailure,
  ExecutorProvider,
  type ExecutorTask,
  InProcessRunner,
  type TaskFunction,
} from '@aep/bus';
import { numbered, virtualTime } from '@aep/bus/contract';
import { ExecutorWorld } from './executor-world.js';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

function textOf(task: ExecutorTask): string {
  return decoder.decode(task.bytes);
}

function answer(text: string): { factoryId: number; typeId: number; bytes: Uint8Array } {
  return { factoryId: 1, typeId: 2, bytes: encoder.encode(text) };
}

/** Tasks that run in this thread, on a virtual clock. */
function makeWorld(task: TaskFunction, properties: Record<string, string> = {}) {
  const clock = new VirtualClock();
  const provider = new ExecutorProvider({ makeRunner: () => new InProcessRunner(task, clock) });
  return new ExecutorWorld(virtualTime(clock), provider, properties);
}

describe('the executor bus', () => {
  it('runs what is sent as a task and delivers the result on the reply channel (E65)', async () => {
    const world = makeWorld((task) => answer(`${textOf(task)}!`));
    const a = await world.makeApp().openAndJoin('results');
    a.sendAll('tasks', 'k1', ['m1']);
    await world.until(() => a.confirmed.length === 1, 'it is confirmed');
    const [result] = a.received;
    assert.deepEqual([result?.channel, result?.key, result?.text, result?.sno], ['results', 'k1', 'm1!', 1]);
  });

  it('confirms a task only when its result was acknowledged, so that it runs again after a failover', async () => {
    const runs: string[] = [];
    const world = makeWorld((task) => {
      runs.push(task.taskId);
      return answer(textOf(task));
    });
    const first = world.makeApp();
    first.isAutoAck = false;
    await first.openAndJoin('results');
    const outbound = first.makeOutbound('tasks', 'k', 'm1');
    first.sendOutbound(outbound);
    await world.until(() => first.received.length === 1, 'the result is there');
    await world.pass(1000);
    assert.equal(first.confirmed.length, 0);
    await first.close();
    const second = await world.makeApp().openAndJoin('results');
    second.sendOutbound(outbound);
    await world.until(() => second.confirmed.length === 1, 'it is confirmed');
    const numbers = [...first.received, ...second.received].map(({ sno, senderId }) => [sno, senderId]);
    assert.deepEqual(numbers[0], numbers[1], 'the result has the same number again, for dedupe');
    assert.notEqual(numbers[0]![1], outbound.metadata.senderId, 'under a sender of its own');
    assert.equal(runs.length, 2);
    assert.equal(runs[0], runs[1]);
  });

  it('delivers results in the order of their tasks, whatever they take, several at a time', async () => {
    const clock = new VirtualClock();
    let running = 0;
    let runningMax = 0;
    const task: TaskFunction = () => undefined;
    const provider = new ExecutorProvider({
      makeRunner: () => {
        const runner = new InProcessRunner(task, clock);
        // Even tasks take longer than odd ones.
        runner.run = (given, done) => {
          runningMax = Math.max(runningMax, ++running);
          clock.schedule(given.bytes.at(-1)! % 2 === 0 ? 100 : 1, () => {
            running--;
            done({ kind: 'result', result: answer(textOf(given)) });
          });
        };
        return runner;
      },
    });
    const world = new ExecutorWorld(virtualTime(clock), provider, { workers: '3' });
    const a = await world.makeApp().openAndJoin('results');
    a.sendAll('tasks', 'k', numbered(30));
    await world.until(() => a.confirmed.length === 30, 'all is confirmed');
    assert.deepEqual(a.texts(), numbered(30));
    assert.equal(runningMax, 3);
  });

  it('tries a task that throws again, and answers a failure message when it has failed attemptsMax times', async () => {
    const attempts: number[] = [];
    const world = makeWorld((task) => {
      attempts.push(task.attempt);
      if (textOf(task) === 'm2') return answer('fine');
      throw new Error('no good');
    });
    const a = await world.makeApp().openAndJoin('results');
    a.sendAll('tasks', 'k', ['m1', 'm2']);
    await world.until(() => a.confirmed.length === 2, 'both are confirmed');
    assert.deepEqual(
      attempts.filter((attempt) => attempt > 1),
      [2, 3],
    );
    const failure = ExecutorFailure.wrap(encoder.encode(a.texts()[0]));
    assert.deepEqual([failure.channel, failure.key, failure.sno, failure.attempts], ['tasks', 'k', 1n, 3]);
    assert.match(failure.reason, /no good/);
    assert.equal(decoder.decode(failure.request), 'm1');
    assert.equal(a.texts()[1], 'fine');
    const { factoryId, typeId } = ExecutorFailure.$type;
    assert.deepEqual([factoryId, typeId], [64_001, 1], 'part of the wire format');
    assert.deepEqual(ExecutorFactory.types, [ExecutorFailure.$type], 'what an app names among its factories');
  });

  it('confirms a task without result when it has run', async () => {
    const world = makeWorld(() => undefined);
    const a = await world.makeApp().open();
    a.sendAll('tasks', 'k', ['m1']);
    await world.until(() => a.confirmed.length === 1, 'it is confirmed');
    assert.equal(a.received.length, 0);
  });

  it('replaces a runner whose task takes too long', async () => {
    const clock = new VirtualClock();
    let made = 0;
    const provider = new ExecutorProvider({
      makeRunner: () => {
        made++;
        return new InProcessRunner((task) => (task.attempt === 1 ? new Promise(() => {}) : answer('late')), clock);
      },
    });
    const world = new ExecutorWorld(virtualTime(clock), provider, { workers: '1', taskTimeoutMs: '500' });
    const a = await world.makeApp().openAndJoin('results');
    a.sendAll('tasks', 'k', ['m1']);
    await world.pass(400);
    assert.equal(a.received.length, 0);
    await world.until(() => a.confirmed.length === 1, 'it is confirmed');
    assert.deepEqual([a.texts(), made], [['late'], 2]);
  });

  it('takes queueMax tasks per channel, then holds the sender back; BestEffort tasks are copied', async () => {
    const world = makeWorld((task) => answer(textOf(task)), { queueMax: '2' });
    const a = await world.makeApp().open();
    const hint = a.makeOutbound('hints', 'k', 'h1');
    a.sendOutbound(hint);
    hint.bytes.fill(0);
    a.sendAll('tasks', 'k', ['m1', 'm2']);
    const third = a.makeOutbound('tasks', 'k', 'm3');
    assert.equal(a.sendOutbound(third), 'back-pressured');
    await world.pass(100);
    assert.equal(a.count('writable'), 0, 'results wait for the join of the reply channel');
    await a.join('results');
    await world.until(() => a.count('writable') === 1, 'there is room');
    assert.equal(a.sendOutbound(third), 'accepted');
    await world.until(() => a.confirmed.length === 3 && a.received.length === 4, 'all is done');
    assert.deepEqual(a.texts().sort(), ['h1', 'm1', 'm2', 'm3']);
  });

  it('offers a refused result again', async () => {
    const world = makeWorld((task) => answer(textOf(task)));
    const a = world.makeApp();
    a.room = 1;
    await a.openAndJoin('results');
    a.sendAll('tasks', 'k', numbered(3));
    await world.pass(100);
    assert.deepEqual(a.texts(), ['m1']);
    a.room = Infinity;
    a.resume();
    await world.until(() => a.confirmed.length === 3, 'all is confirmed');
    assert.deepEqual(a.texts(), numbered(3));
  });

  it('answers a failure when a result is larger than messageBytesMax', async () => {
    const world = makeWorld(() => answer('x'.repeat(200_000)), { attemptsMax: '1' });
    const a = await world.makeApp().openAndJoin('results');
    a.sendAll('tasks', 'k', ['m1']);
    await world.until(() => a.confirmed.length === 1, 'it is confirmed');
    assert.match(a.texts()[0]!, /messageBytesMax/);
  });

  it('refuses sends to the reply channel and descriptions without module or reply channel', async () => {
    const world = makeWorld(() => undefined);
    const a = await world.makeApp().open();
    const code = (expected: string) => (error: unknown) => error instanceof AepError && error.code === expected;
    assert.throws(() => a.send('results', 'k', 'x'), code('AEP_EXECUTOR_REPLY_CHANNEL'));
    const description = world.describeBus();
    const make = (changes: object) => () =>
      new ExecutorProvider().createBinding({ ...bindingOptions(a), bus: { ...description, ...changes } });
    const plain = description.channels.map((channel) => ({ ...channel, properties: {} }));
    assert.throws(make({ channels: plain }), code('AEP_BUS_DESCRIPTOR_INVALID'));
    assert.throws(make({ properties: {} }), code('AEP_BUS_DESCRIPTOR_INVALID'));
  });
});

function bindingOptions(app: { binding: object }) {
  return (app.binding as unknown as { options: Parameters<ExecutorProvider['createBinding']>[0] }).options;
}
