import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChannelUp, defineApp, type SendOptions } from '@aep/engine';
import { told } from './bank-apps.js';
import { Bank, BankFactory, Deposited } from './gen/bank.js';
import { TellerWorld, WatchedTeller } from './teller-world.js';

interface Channels {
  events: Deposited;
}

/** Sends one event with a key template and options, and answers the key or the code of the error. */
async function keyOf(event: Deposited, options: SendOptions, channel: object): Promise<string> {
  const teller = new TellerWorld(new WatchedTeller());
  const buses = [
    { description: teller.bus.description, provider: teller.bus, channels: [{ name: 'events', ...channel }] },
  ];
  await teller.start({ buses });
  const sent = teller.engine.senderFor<Channels>().sendMessage('events', event, options);
  const outcome = await teller.world.run(
    sent.then(
      () => teller.bus.sent[0]?.key ?? 'none',
      (error: { code: string }) => error.code,
    ),
  );
  await teller.idle();
  const key = teller.bus.sent[0]?.key;
  await teller.world.run(teller.engine.stop());
  return key ?? outcome;
}

const TABLES = { table: { zone: 'US', region: 'US' } };
const CHANNEL_TABLE = { keyTable: { zone: 'APAC', region: 'APAC' } };

for (const [title, event, options, channel, expected] of [
  [
    'the field of the message',
    told('a', { region: 'EMEA' }),
    TABLES,
    { key: 'E/${region}', ...CHANNEL_TABLE },
    'E/EMEA',
  ],
  ['the table of the send', told('a'), TABLES, { key: 'E/${zone}', ...CHANNEL_TABLE }, 'E/US'],
  ['the table of the channel', told('a'), {}, { key: 'E/${zone}', ...CHANNEL_TABLE }, 'E/APAC'],
  ['the default', told('a'), {}, { key: 'E/${zone::none}' }, 'E/none'],
  ['nothing, which is an error', told('a'), {}, { key: 'E/${zone}' }, 'AEP_KEY_UNRESOLVED'],
  ['the key given with the send', told('a', { region: 'EMEA' }), { key: 'own' }, { key: 'E/${region}' }, 'own'],
] as const) {
  test(`a key variable comes from ${title} (E81, E82)`, async () => {
    assert.equal(await keyOf(event, options, channel), expected);
  });
}

test('ChannelUp may set values for the variables of a key (E81)', async () => {
  const app = defineApp({ name: 'teller', state: Bank, factories: [BankFactory] }).onEvent(ChannelUp, (event) =>
    event.setKeyTable({ zone: 'set' }),
  );
  const teller = new TellerWorld(app);
  const channels = [{ name: 'events', join: true, key: 'E/${zone}' }];
  await teller.start({ buses: [{ description: teller.bus.description, provider: teller.bus, channels }] });
  await teller.world.run(teller.engine.senderFor<Channels>().sendMessage('events', told('a')));
  assert.equal(teller.bus.sent[0]!.key, 'E/set');
  await teller.idle();
  await teller.world.run(teller.engine.stop());
});
