import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openArbiter, parseArbiterDescriptor } from '@aep/cluster';

describe('descriptors of arbiters (M5)', () => {
  void it('name a directory of this host, or hosts with etcd', () => {
    assert.deepEqual(parseArbiterDescriptor('embedded:///var/lib/aep'), { kind: 'embedded', path: '/var/lib/aep' });
    assert.deepEqual(parseArbiterDescriptor('embedded://data/arbiter'), { kind: 'embedded', path: 'data/arbiter' });
    const none = {
      user: undefined,
      passwordFile: undefined,
      caFile: undefined,
      certFile: undefined,
      keyFile: undefined,
    };
    assert.deepEqual(parseArbiterDescriptor('etcd://one:2379,[::1]:12379/groups/'), {
      kind: 'etcd',
      endpoints: ['http://one:2379', 'http://[::1]:12379'],
      prefix: '/groups',
      ...none,
    });
    assert.deepEqual(parseArbiterDescriptor('etcds://one?ca=ca.pem&cert=c.pem&key=k.pem&user=u&passwordFile=%2Fp'), {
      kind: 'etcd',
      endpoints: ['https://one:2379'],
      prefix: '/aep',
      user: 'u',
      passwordFile: '/p',
      caFile: 'ca.pem',
      certFile: 'c.pem',
      keyFile: 'k.pem',
    });
  });

  void it('that are wrong are AEP_ARBITER_DESCRIPTOR, which says what is wrong and shows no secret', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['', /has no ":\/\/"/],
      ['embedded:/x', /has no ":\/\/"/],
      ['embedded://', /names no directory/],
      ['embeded:///x', /did you mean "embedded"/],
      ['etcd://', /"" as a host/],
      ['etcd://one,', /"" as a host/],
      ['etcd://one:0', /port "0"/],
      ['etcd://one:x', /port "x"/],
      ['etcd://u:secret@one', /has credentials/],
      ['etcd://one?pasword=secret', /"pasword" after the "\?"/],
      ['etcd://one?user=secret', /only one of user and passwordFile/],
      ['etcd://one?ca=secret', /not "etcds:\/\/"/],
      ['etcds://one?cert=secret', /only one of cert and key/],
      ['etcds://one?ca=secret&ca=secret', /ca twice/],
      ['etcds://one?ca=', /empty/],
      ['etcds://one?ca=%zz', /percent-encoded/],
      [`etcd://${Array.from({ length: 17 }, () => 'h').join()}`, /more than 16 hosts/],
      [`etcd://${'h'.repeat(5_000)}`, /longer than 4096/],
    ];
    for (const [text, message] of wrong) {
      assert.throws(
        () => parseArbiterDescriptor(text),
        (error: Error & { code: string }) => {
          assert.equal(error.code, 'AEP_ARBITER_DESCRIPTOR');
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /secret/);
          return true;
        },
        text.slice(0, 60),
      );
    }
  });

  void it('open what they name', async () => {
    const path = mkdtempSync(join(tmpdir(), 'aep-arbiter-'));
    const arbiter = openArbiter({ descriptor: `embedded://${path}`, group: 'orders' });
    const epoch = await new Promise((resolve) => arbiter.read((_error, record) => resolve(record?.epoch ?? 0)));
    assert.equal(epoch, 0);
    await new Promise<void>((resolve) => arbiter.close(resolve));
    assert.throws(() => openArbiter({ descriptor: `etcds://one?ca=${path}/missing.pem`, group: 'orders' }), {
      code: 'AEP_ARBITER_OPEN',
      message: /missing\.pem/,
    });
  });
});
