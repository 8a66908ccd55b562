import type { ExecutorTask, TaskResult } from '@aep/bus';

/** A user's module of the executor bus, as the tests run it in worker threads. */
export function upperCase(task: ExecutorTask): TaskResult {
  const text = new TextDecoder().decode(task.bytes);
  if (text === 'crash') process.exit(7);
  if (text === 'crash once' && task.attempt === 1) process.exit(7);
  if (text === 'throw') throw new Error('no good');
  if (text === 'hang') for (;;);
  if (text === 'nothing') return undefined;
  return { factoryId: 1, typeId: 2, bytes: new TextEncoder().encode(`${text.toUpperCase()} #${task.attempt}`) };
}
