import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bank, deposit, told } from './bank-apps.js';
import { Deposit } from './gen/bank.js';
import { TellerWorld } from './teller-world.js';

test('a savepoint undoes state, sends, timers and callbacks made after it, and only those (E36)', async () => {
  const called: string[] = [];
  const app = bank().on(Deposit, (_message, { state, engine, send }) => {
    state.accounts.getOrCreate('a').balance = 1;
    send('events', told('kept'));
    engine.schedule(deposit('kept', 1), { delayMs: 60_000, id: 'kept' });
    engine.afterStable(() => void called.push('kept'));
    const savepoint = engine.savepoint();
    state.accounts.getOrCreate('a').balance = 2;
    state.accounts.getOrCreate('b').balance = 3;
    send('events', told('undone'));
    engine.schedule(deposit('undone', 1), { delayMs: 60_000, id: 'undone' });
    engine.afterStable(() => void called.push('undone'));
    engine.rollbackTo(savepoint);
    send('events', told('after'));
  });
  const teller = await new TellerWorld(app).start();
  teller.bus.deliver(deposit('x', 1));
  await teller.idle();
  assert.deepEqual([teller.balance('a'), teller.balance('b'), called], [1, 0, ['kept']]);
  assert.deepEqual(
    teller.bus.sent.map(({ json, sno }) => [json['account'], sno]),
    [
      ['kept', 1],
      ['after', 2],
    ],
  );
  assert.deepEqual(
    teller.engine.timers.map((timer) => timer.id),
    ['kept'],
  );
  await teller.world.run(teller.engine.stop());
});

test('a savepoint is refused after an earlier one was restored, and in another transaction (E36)', async () => {
  let kept: ReturnType<TellerWorld['engine']['savepoint']> | undefined;
  const codes: unknown[] = [];
  const app = bank().on(Deposit, (_message, { engine, send }) => {
    const attempt = (savepoint: NonNullable<typeof kept>): void => {
      try {
        engine.rollbackTo(savepoint);
      } catch (error) {
        codes.push((error as { code: string }).code);
      }
    };
    if (kept !== undefined) attempt(kept);
    const early = engine.savepoint();
    send('events', told('x'));
    const late = engine.savepoint();
    engine.rollbackTo(early);
    attempt(late);
    engine.rollbackTo(early);
    kept = early;
  });
  const teller = await new TellerWorld(app).start();
  teller.bus.deliver(deposit('x', 1));
  teller.bus.deliver(deposit('x', 1));
  await teller.idle();
  assert.deepEqual(codes, ['AEP_SAVEPOINT_INVALID', 'AEP_SAVEPOINT_INVALID', 'AEP_SAVEPOINT_INVALID']);
  assert.deepEqual([teller.bus.sent, teller.bus.acknowledged], [[], [1, 2]]);
  await teller.world.run(teller.engine.stop());
});
