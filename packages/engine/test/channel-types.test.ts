import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineApp, type Sender } from '@aep/engine';
import { type Bank, Deposit, Deposited } from './gen/bank.js';

interface Channels {
  deposits: Deposit;
  events: Deposited;
}

/** Never called: the compiler is the test. A line that compiles although it must not fails the build of the tests. */
function sends(sender: Sender<Channels>): void {
  sender.send('deposits', Deposit.create());
  sender.send('events', Deposited.create(), { flow: 1 });
  // @ts-expect-error -- there is no such channel
  sender.send('event', Deposited.create());
  // @ts-expect-error -- the channel carries another message
  sender.send('events', Deposit.create());
  // @ts-expect-error -- the channel carries another message
  void sender.sendMessage('deposits', Deposited.create());
  // @ts-expect-error -- there is no such channel
  sender.offer('news', Deposited.create());
  // @ts-expect-error -- an idempotency key is for sends outside of handlers
  sender.send('events', Deposited.create(), { idempotencyKey: 'k' });
}

function handlers(): void {
  defineApp<Bank, Channels>({ name: 'x' }).on(Deposit, (message, { state, send }) => {
    state.accounts.getOrCreate(message.account).balance += message.amount;
    send('events', Deposited.create());
    // @ts-expect-error -- the channel carries another message
    send('events', message);
    // @ts-expect-error -- the message has no such field
    return message.balance as number;
  });
}

test('a wrong channel or message does not compile (E41)', () => {
  assert.deepEqual([typeof sends, typeof handlers], ['function', 'function']);
});
