import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BusDescription, LoopbackProvider } from '@aep/bus';
import { createEngine, type Engine } from '@aep/engine';
import { SeededRandom } from '@aep/kernel';
import { openLmdbStore } from '@aep/store-lmdb';
import { Deposit, type Ledger } from './gen/ledger.js';
import { LedgerApp } from './ledger-app.js';

/** The module of the app, as a model or `--types` names it. */
export const APP_MODULE = fileURLToPath(new URL('./ledger-app.js', import.meta.url));
export const TYPES_MODULE = fileURLToPath(new URL('./gen/ledger.js', import.meta.url));

const BUS: BusDescription = {
  name: 'bank',
  provider: 'loopback',
  address: 'ledger',
  port: 0,
  properties: {},
  channels: [
    { name: 'deposits', id: 1, qos: 'Guaranteed', properties: {} },
    { name: 'events', id: 2, qos: 'Guaranteed', properties: {} },
  ],
  roster: [],
};

export type Step = readonly [account: string, amount: number, city?: string];

/** Five transactions: alice, bob, alice again, a poisoned one, and bob's account closed. */
export const STEPS: readonly Step[] = [
  ['alice', 5, 'Rome'],
  ['bob', 7],
  ['alice', 2, 'Oslo'],
  ['carol', 13],
  ['bob', 0],
];

/** Writes a real store with one transaction per step, and closes it. */
export async function writeLedger(directory: string, steps: readonly Step[] = STEPS): Promise<string> {
  const path = join(directory, 'ledger');
  const engine: Engine<Ledger> = createEngine<Ledger>({
    name: 'ledger',
    app: new LedgerApp(),
    store: () =>
      openLmdbStore({
        path,
        engineName: 'ledger',
        verifyOnOpen: false,
        scrubIntervalMs: 0,
        freeSpaceReserveBytes: 0,
        mapSizeBytes: 64 * 1024 * 1024,
        durability: 'os',
      }),
    buses: [{ description: BUS, provider: new LoopbackProvider(), channels: [{ name: 'events' }] }],
    policies: { retriesMax: 0 },
    random: new SeededRandom(7),
  });
  await engine.start();
  for (const [account, amount, city] of steps) {
    const deposit = Deposit.create();
    deposit.account = account;
    deposit.amount = amount;
    if (city !== undefined) deposit.place.city = city;
    // The poisoned one rejects, and is in the store as a dead letter all the same.
    await engine.inject(deposit).catch(() => {});
  }
  await engine.stop();
  return path;
}

/** A model that runs the ledger. */
export function ledgerModel({
  adminPort = 0,
  token,
}: { readonly adminPort?: number; readonly token?: string } = {}): string {
  const admin = adminPort === 0 ? '' : `<admin port="${adminPort}"${token === undefined ? '' : ` token="${token}"`}/>`;
  return `<model>
  <buses>
    <bus name="bank" descriptor="loopback://ledger">
      <channels><channel name="deposits"/><channel name="events"/></channels>
    </bus>
  </buses>
  <apps>
    <app name="ledger" mainClass="${APP_MODULE}#LedgerApp">
      <messaging>
        <buses><bus name="bank"><channels><channel name="deposits" join="true"/><channel name="events"/></channels></bus></buses>
      </messaging>
      <storage durability="os"><persistence journalRetention="1d"/></storage>
      <policies retriesMax="0"/>
    </app>
  </apps>
  <xvms><xvm name="main"><apps><app name="ledger"/></apps>${admin}<logging level="silent"/></xvm></xvms>
  <profiles><profile name="cautious"><apps><app name="ledger"><policies retriesMax="5"/></app></apps></profile></profiles>
</model>
`;
}
