import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BusDescription, ChannelDescription } from '@aep/bus';
import { roster, TestApp } from '@aep/bus/contract';
import { NatsProvider } from '@aep/bus-nats';
import { AepError, SeededRandom, SystemClock } from '@aep/kernel';

interface Wrong {
  readonly properties?: Record<string, string>;
  readonly channel?: Partial<ChannelDescription>;
  readonly address?: string;
  readonly variables?: Record<string, string>;
}

/** What a description is refused with, before anything is connected to. */
function refusal({ properties = {}, channel = {}, address = '127.0.0.1', variables = {} }: Wrong): string {
  const orders = { name: 'orders', id: 1, qos: 'Guaranteed', properties: {}, ...channel } as const;
  const bus: BusDescription = {
    name: 'bus',
    provider: 'nats',
    address,
    port: 0,
    properties,
    channels: [orders],
    roster: [],
  };
  const harness = {
    clock: new SystemClock(),
    random: new SeededRandom(1),
    providerFor: () => new NatsProvider({ variables }),
    describeBus: () => bus,
    until: () => Promise.resolve(),
    pass: () => Promise.resolve(),
    dispose: () => Promise.resolve(),
  };
  try {
    return new TestApp(harness, { app: 'a', roster: roster() }).bus === bus ? 'accepted' : 'changed';
  } catch (error) {
    assert.ok(error instanceof AepError && error.code === 'AEP_BUS_DESCRIPTOR_INVALID', String(error));
    return error.message;
  }
}

test('a description says where the server is, with 4222 as the port when none is given', () => {
  assert.equal(refusal({}), 'accepted');
  assert.equal(refusal({ address: '', properties: { servers: 'one:4222, two:4333,[::1]:4222' } }), 'accepted');
  assert.match(refusal({ address: '' }), /needs 1\.\.32 servers/);
  assert.match(refusal({ properties: { servers: 'user:secret@host:4222' } }), /expected host:port/);
});

test('numbers out of range are refused with the range', () => {
  assert.match(
    refusal({ properties: { windowMessages: '0' } }),
    /"windowMessages": expected an integer in 1\.\.1000000, got "0"/,
  );
  assert.match(
    refusal({ properties: { reconnectMinMs: '100', reconnectMaxMs: '50' } }),
    /"reconnectMaxMs": expected an integer in 100/,
  );
});

test('credentials come from one place, and a variable that is not set is named', () => {
  assert.equal(refusal({ properties: { user: 'a', passwordEnv: 'P' }, variables: { P: 'x' } }), 'accepted');
  assert.match(refusal({ properties: { passwordEnv: 'P', user: 'a' } }), /the environment has no variable P/);
  assert.match(refusal({ properties: { password: 'hidden' } }), /"password" needs a "user"/);
  assert.match(refusal({ properties: { user: 'a', token: 'hidden' } }), /exclude each other/);
  const both = refusal({ properties: { token: 'hidden', tokenEnv: 'T' }, variables: { T: 'hidden' } });
  assert.match(both, /"token" and "tokenEnv" exclude each other/);
  assert.doesNotMatch(both, /hidden/);
});

test('TLS settings that contradict each other are refused', () => {
  assert.equal(refusal({ properties: { tlsCaFile: 'ca.pem' } }), 'accepted');
  assert.match(refusal({ properties: { tls: 'yes' } }), /expected true or false/);
  assert.match(refusal({ properties: { tls: 'false', tlsCaFile: 'ca.pem' } }), /is false, and there are TLS files/);
  assert.match(refusal({ properties: { tlsCertFile: 'c.pem' } }), /need each other/);
});

test('a channel may name its own subject and stream, within what NATS allows', () => {
  assert.equal(refusal({ channel: { properties: { subject: 'legacy.orders', stream: 'LEGACY' } } }), 'accepted');
  assert.match(refusal({ channel: { properties: { subject: 'legacy.*' } } }), /property "subject"/);
  assert.match(refusal({ channel: { properties: { stream: 'a.b' } } }), /property "stream"/);
  assert.match(refusal({ properties: { inboxPrefix: 'a b' } }), /"inboxPrefix"/);
});
