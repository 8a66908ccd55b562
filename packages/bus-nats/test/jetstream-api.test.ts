import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeBus } from '@aep/bus';
import { createInbox, JetStreamApi, type Link, type LinkMessage } from '@aep/bus-nats/internal';
import { AepError, SeededRandom, VirtualClock } from '@aep/kernel';

const encoder = new TextEncoder();

interface Asked {
  readonly subject: string;
  readonly reply: string;
}

/** A link whose server says what the test tells it to. */
class ScriptedLink implements Link {
  readonly info = { server: 'script', version: '2.9.10', payloadBytesMax: 1_048_576, hasJetStream: true };
  readonly asked: Asked[] = [];
  private onMessage: (message: LinkMessage) => void = () => undefined;

  publish(subject: string, _data: Uint8Array, { reply = '' } = {}): void {
    this.asked.push({ subject, reply });
  }

  subscribe(_subject: string, onMessage: (message: LinkMessage) => void): () => void {
    this.onMessage = onMessage;
    return () => undefined;
  }

  answer(to: Asked, data: string, head?: string): void {
    const message = { subject: to.reply, reply: '', data: encoder.encode(data) };
    this.onMessage({ ...message, head: head === undefined ? undefined : encoder.encode(head) });
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(done: () => void): void {
    done();
  }
}

function scene(): { link: ScriptedLink; clock: VirtualClock; api: JetStreamApi } {
  const link = new ScriptedLink();
  const clock = new VirtualClock();
  const inbox = createInbox('_INBOX', new SeededRandom(1));
  const api = new JetStreamApi({ bus: describeBus('bus', []), link, clock, inbox, timeoutMs: 1000 });
  return { link, clock, api };
}

function isError(code: string, pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AepError);
    assert.equal(error.code, code);
    assert.equal(error.advice, 'retry');
    assert.match(error.message, pattern);
    return true;
  };
}

test('answers find their questions, whatever their order', async () => {
  const { link, api } = scene();
  const replies = [api.call('STREAM.INFO.a'), api.call('STREAM.INFO.b')];
  const [first, second] = link.asked;
  assert.equal(first!.subject, '$JS.API.STREAM.INFO.a');
  link.answer(second!, '{"stream":"b"}');
  link.answer(first!, '{"stream":"a"}');
  assert.deepEqual(await Promise.all(replies), [{ stream: 'a' }, { stream: 'b' }]);
  link.answer(first!, '{"stream":"too late"}');
});

test('no answer in time is an error that may be tried again', async () => {
  const { clock, api } = scene();
  const reply = api.call('STREAM.INFO.a');
  clock.advance(1000);
  await assert.rejects(reply, isError('AEP_NATS_TIMEOUT', /no answer to STREAM\.INFO\.a within 1000 ms/));
});

test('a server that runs while JetStream does not is said to be starting', async () => {
  const { link, api } = scene();
  const reply = api.call('STREAM.INFO.a');
  link.answer(link.asked[0]!, '', 'NATS/1.0 503\r\n\r\n');
  await assert.rejects(reply, isError('AEP_NATS_JETSTREAM_AWAY', /status 503.*still starting/));
  const strange = api.call('STREAM.INFO.a');
  link.answer(link.asked[1]!, 'no JSON at all');
  await assert.rejects(strange, isError('AEP_NATS_JETSTREAM_AWAY', /no JSON/));
});

test('the end of the connection ends every question with its reason', async () => {
  const { api } = scene();
  const replies = [api.call('a'), api.call('b')];
  api.end(new AepError('AEP_NATS_LOST', 'retry', 'cut'));
  for (const reply of replies) await assert.rejects(reply, isError('AEP_NATS_LOST', /cut/));
});
