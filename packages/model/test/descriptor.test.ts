import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AepError } from '@aep/kernel';
import { formatBusDescriptor, parseBusDescriptor, parseModuleReference } from '@aep/model';

describe('a bus descriptor (E90)', () => {
  const read = (text: string): unknown => {
    const { provider, address, port, path, parameters } = parseBusDescriptor(text);
    return [provider, address, port, path, { ...parameters }];
  };

  test('is read in its parts', () => {
    assert.deepEqual(read('loopback://'), ['loopback', '', null, '', {}]);
    assert.deepEqual(read('activemq://broker'), ['activemq', 'broker', null, '', {}]);
    assert.deepEqual(read('direct://10.0.0.1:7000/a/b?x=1&y=a%26b&z='), [
      'direct',
      '10.0.0.1',
      7000,
      '/a/b',
      { x: '1', y: 'a&b', z: '' },
    ]);
    assert.deepEqual(read('direct://[::1]:7000'), ['direct', '[::1]', 7000, '', {}]);
    assert.deepEqual(read('executor:///pool'), ['executor', '', null, '/pool', {}]);
  });

  test('is written as it was read, without its parameters', () => {
    for (const text of ['loopback://', 'direct://[::1]:7000/a', 'executor:///pool']) {
      assert.equal(formatBusDescriptor(parseBusDescriptor(`${text}?password=x`)), text);
    }
  });

  test('that is malformed says what is wrong, and shows nothing that may be secret', () => {
    const faults: Record<string, RegExp> = {
      'loopback:/x': /no ":\/\/"/,
      '1st://host': /not a name/,
      'direct://host:70000': /not in 1\.\.65535/,
      'direct://host:': /port ""/,
      'direct://:7000': /port without an address/,
      'direct://me:pw@host': /credentials/,
      'direct://host?a': /not key=value/,
      'direct://host?=a': /not key=value/,
      'direct://host?a=1&a=2': /twice/,
      'direct://host?__proto__=1': /may not have it/,
      'direct://host?a=%zz': /percent-encoded/,
      'direct://ho st': /cannot be read/,
      [`direct://${'h'.repeat(5000)}`]: /longer than/,
      '': /no ":\/\/"/,
    };
    for (const [text, expected] of Object.entries(faults)) {
      assert.throws(
        () => parseBusDescriptor(text),
        (error) => error instanceof AepError && error.code === 'AEP_MODEL_DESCRIPTOR' && expected.test(error.message),
        text,
      );
    }
    assert.throws(
      () => parseBusDescriptor('direct://host:x?password=p4ss'),
      (error) => error instanceof AepError && !JSON.stringify(error).includes('p4ss'),
    );
  });
});

describe('a module reference (M5)', () => {
  test('is split at its last "#"', () => {
    assert.deepEqual(parseModuleReference('./dist/app.js#App'), { module: './dist/app.js', exportName: 'App' });
  });

  test('without module or export is AEP_MODEL_MODULE_REFERENCE', () => {
    for (const text of ['com.sample.SampleApp', '#App', './app.js#', '']) {
      assert.throws(() => parseModuleReference(text), { code: 'AEP_MODEL_MODULE_REFERENCE', advice: 'reject' });
    }
  });
});
