import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AepError } from '@aep/kernel';
import { BusProviderRegistry, LoopbackProvider } from '@aep/bus';

describe('the registry of bus providers', () => {
  it('finds a provider by name and names the nearest one for a mistyped name (E90)', () => {
    const loopback = new LoopbackProvider();
    const registry = new BusProviderRegistry([loopback]);
    assert.equal(registry.get('loopback'), loopback);
    assert.throws(
      () => registry.get('lopback'),
      (error) =>
        error instanceof AepError &&
        error.code === 'AEP_BUS_PROVIDER_UNKNOWN' &&
        error.message.includes('did you mean "loopback"'),
    );
  });

  it('refuses two providers of one name', () => {
    assert.throws(
      () => new BusProviderRegistry([new LoopbackProvider(), new LoopbackProvider()]),
      (error) => error instanceof AepError && error.code === 'AEP_BUS_PROVIDER_TWICE',
    );
  });
});
