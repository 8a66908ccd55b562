import assert from 'node:assert/strict';
import { type EtcdExchange, type EtcdHttp, openEtcdArbiter, parseArbiterDescriptor } from '@aep/cluster';
import { type AepError, SeededRandom, VirtualClock } from '@aep/kernel';
import { bytesOfText, type FuzzTarget, piecesOf, refusalOf, textOfBytes, tokensOf } from '../target.js';

const RECORD = {
  epoch: 3,
  primary: { name: 'a', storeId: 's' },
  members: [{ name: 'a', storeId: 's' }],
  incarnation: 1,
};
const PRESENCE = { name: 'a', storeId: 's', address: 'h:1', priority: 1, version: '1.0.0', lastTxId: 9 };
const NEXT = { ...RECORD, epoch: 4 };
const GROUP = { group: 'g', requestTimeoutMs: 100 };

/** Descriptors of arbiters. */
export function openArbiterDescriptors(): FuzzTarget {
  return {
    name: 'arbiter-descriptors',
    testRuns: 10_000,
    seeds: [
      'embedded:///var/lib/aep/arbiter',
      'etcd://one:2379,[::1]:12379/groups',
      'etcds://one?ca=ca.pem&cert=c.pem&key=k.pem&user=u&passwordFile=%2Fp',
    ].map((text) => bytesOfText(text)),
    tokens: tokensOf('://', ':', '/', '?', '&', '=', '%', '%00', ',', '[', ']', '@', 'etcd', '65536', '\0'),
    run: (input) => {
      const refusal = refusalOf(() => parseArbiterDescriptor(textOfBytes(input)));
      if (refusal !== undefined) throw refusal;
    },
  };
}

/** What an etcd, or whoever answers in its place, may say to a member: to a read, a swap, a look at presences, a watch. */
export function openEtcdReplies(): FuzzTarget {
  return {
    name: 'etcd-replies',
    testRuns: 800,
    seeds: [reply({ kvs: [kv(RECORD)] }), reply({ kvs: [kv(PRESENCE)] }), reply({ succeeded: true })].map((text) =>
      bytesOfText(text),
    ),
    tokens: tokensOf(
      // An answer to a watch, which is none to a call.
      watched(),
      '"kvs":',
      '"result":{',
      '"events":',
      '"canceled":true',
      '"mod_revision":"7"',
      '{}',
      '[',
      ']',
      '\n',
      '"',
    ),
    run,
  };
}

/** Every call is answered once, and soon; what the watch tells has been looked at. */
function run(input: Uint8Array): void {
  const clock = new VirtualClock();
  const http = new OneAnswer(input, clock);
  const arbiter = openEtcdArbiter({ ...GROUP, endpoints: ['http://h:1'], clock, random: new SeededRandom(1), http });
  const answers: (AepError | undefined)[] = [];
  arbiter.read((error) => answers.push(error));
  arbiter.compareAndSet(3, NEXT, (error) => answers.push(error));
  arbiter.compareAndSet(0, { ...NEXT, epoch: 1 }, (error) => answers.push(error));
  arbiter.presence((error) => answers.push(error));
  arbiter.watch((record) => assert.ok(record === undefined || record.epoch > 0));
  clock.advance(150);
  assert.equal(answers.length, 4, 'every call is answered once');
  let isClosed = false;
  arbiter.close(() => (isClosed = true));
  clock.advance(500);
  assert.ok(isClosed && http.openCount === 0, 'nothing is left open');
  if (answers.every((error) => error !== undefined)) throw answers[0]!;
}

/** Says the same to every request, in pieces; a watch stays open after it. */
class OneAnswer implements EtcdHttp {
  openCount = 0;

  constructor(
    private readonly input: Uint8Array,
    private readonly clock: VirtualClock,
  ) {}

  // oxlint-disable-next-line max-params -- the port's
  post(url: string, _body: string, _headers: Readonly<Record<string, string>>, exchange: EtcdExchange): () => void {
    let isOpen = true;
    this.openCount++;
    const end = (): void => {
      if (isOpen) this.openCount--;
      isOpen = false;
    };
    this.clock.defer(() => {
      if (isOpen) exchange.onStatus(200);
      for (const piece of piecesOf(this.input)) if (isOpen) exchange.onText(textOfBytes(piece));
      if (!isOpen || url.endsWith('/watch')) return;
      end();
      exchange.onEnd(undefined);
    });
    return end;
  }

  close(): void {}
}

function kv(value: object): object {
  return { value: Buffer.from(JSON.stringify(value)).toString('base64'), mod_revision: '7' };
}

function reply(content: object): string {
  return JSON.stringify({ header: { revision: '9' }, ...content });
}

function watched(): string {
  const created = { result: { header: { revision: '9' }, created: true } };
  const event = { result: { header: { revision: '10' }, events: [{ kv: kv(RECORD) }] } };
  return `${JSON.stringify(created)}\n${JSON.stringify(event)}\n`;
}
