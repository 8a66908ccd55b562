import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigTree, defineModel, loadModel, ModelError } from '@aep/model';
import { fixture, outline, problemsOf, problemsOfCall } from './models.js';

const MINIMAL = '<model><apps><app name="a" mainClass="./a.js#A"/></apps></model>';

describe('the guide’s sample (M7)', () => {
  const model = loadModel({ text: fixture('guide-sample.xml'), file: 'guide-sample.xml' });

  test('loads as it stands once its tags are closed', () => {
    const bus = model.buses[0];
    assert.equal(bus?.provider, 'activemq');
    assert.equal(bus.port, 61_616);
    assert.equal(bus.channels[0]?.key, 'NEWORDERS/${Region}/${Department}');
    assert.equal(model.apps[0]?.mainClass, 'com.sample.SampleApp');
  });

  test('a filter beside the channels holds for the channels that have none of their own', () => {
    const channel = model.apps[0]?.messaging.buses[0]?.channels[0];
    assert.equal(channel?.filter, 'Region=US|Canada');
    assert.equal(channel.join, true);
  });

  test('channel and filter may also stand directly in the bus, and a channel may have its own filter', () => {
    const channels = '<channel name="c" filter="Region=US"/><channel name="d"/><filter>Region=Canada</filter>';
    const text = `<model><buses><bus name="b" descriptor="loopback://">
        <channel name="c" key="\${Region}"/><channel name="d" key="\${Region}"/></bus></buses>
      <apps><app name="a" mainClass="x"><messaging><buses><bus name="b">${channels}</bus></buses></messaging></app></apps></model>`;
    const filters = loadModel({ text, file: 'm' }).apps[0]?.messaging.buses[0]?.channels.map(
      (channel) => channel.filter,
    );
    assert.deepEqual(filters, ['Region=US', 'Region=Canada']);
  });
});

describe('the concluded model', () => {
  const model = loadModel({ text: MINIMAL, file: 'model.xml' });
  const app = model.apps[0]!;

  test('has the defaults of the engine specification (E16, E20, E32, E34, E60, E91)', () => {
    assert.equal(app.policies.appExceptionPolicy, 'QuarantineAndContinue');
    assert.equal(app.policies.retriesMax, 3);
    assert.equal(app.policies.unhandledMessagePolicy, 'DeadLetter');
    assert.equal(app.policies.inboundAckPolicy, 'OnSendStability');
    assert.equal(app.policies.haPolicy, 'StateReplication');
    assert.equal(app.policies.defaultHandlerPolicy, 'DispatchIfNoAnnotatedHandlers');
    assert.equal(app.messaging.messagingStartFailPolicy, 'FailIfOneBindingFails');
    assert.equal(app.messaging.busBindingFailPolicy, 'Reconnect');
    assert.equal(app.messaging.preserveChannelJoinsOnStop, false);
    assert.equal(app.storage.durability, 'disk');
    assert.equal(app.storage.quorum, 2);
    assert.equal(app.storage.clustering, null);
    assert.equal(app.storage.dedupeRetentionMs, null);
    assert.deepEqual(app.startupExpectations, { role: 'None', journal: 'None' });
  });

  test('has no undefined anywhere and is frozen to the last object', () => {
    const visit = (value: unknown, path: string): void => {
      assert.notEqual(value, undefined, path);
      if (typeof value !== 'object' || value === null) return;
      assert.ok(Object.isFrozen(value), path);
      for (const [name, inner] of Object.entries(value)) visit(inner, `${path}.${name}`);
    };
    visit(loadModel({ text: fixture('guide-sample.xml'), file: 'm.xml' }), 'model');
  });

  test('an empty model is a model with empty lists', () => {
    const empty = { busProviders: [], buses: [], apps: [], xvms: [], activeProfiles: [], env: new ConfigTree() };
    for (const text of ['<model/>', '{}', '{"model":{}}', '\ufeff<model></model>', '\ufeff{}']) {
      assert.deepEqual(loadModel({ text, file: 'm' }), empty, text);
    }
  });

  test('converts durations to milliseconds and sizes to bytes, with the unit in the name (M8)', () => {
    const text = `{"apps":[{"name":"a","mainClass":"x","policies":{"stuckAlertThreshold":"2m"},
      "storage":{"dedupeRetention":"3h","persistence":{"mapSize":"1GiB"}},"limits":{"messageBytesMax":"64KiB"}}]}`;
    const { policies, storage, limits } = loadModel({ text, file: 'm.json' }).apps[0]!;
    assert.equal(policies.stuckAlertThresholdMs, 120_000);
    assert.equal(storage.dedupeRetentionMs, 10_800_000);
    assert.equal(storage.persistence.mapSizeBytes, 2 ** 30);
    assert.equal(limits.messageBytesMax, 65_536);
  });

  test('a group without a name has the name of its app (M5)', () => {
    const text = '<model><apps><app name="a" mainClass="x"><storage><clustering/></storage></app></apps></model>';
    assert.equal(loadModel({ text, file: 'm' }).apps[0]?.storage.clustering?.groupName, 'a');
  });

  test('a channel without a key has none, and cannot be filtered', () => {
    const text = '<model><buses><bus name="b" provider="loopback"><channel name="c"/></bus></buses></model>';
    assert.equal(loadModel({ text, file: 'm' }).buses[0]?.channels[0]?.key, null);
    const app = `<app name="a" mainClass="x"><messaging><buses><bus name="b"><channel name="c" filter="a=1"/></bus></buses></messaging></app>`;
    assert.deepEqual(outline(problemsOf(text.replace('</buses>', `</buses><apps>${app}</apps>`))), [
      'AEP_MODEL_RELATION model.apps.app[0].messaging.buses.bus[0].channels.channel[0].filter',
    ]);
  });
});

describe('one model in two spellings', () => {
  for (const profiles of [[], ['fast']]) {
    test(`orders.xml and orders.json end in the same object with the profiles [${profiles.join()}]`, () => {
      const fromXml = loadModel({ text: fixture('orders.xml'), file: 'orders.xml' }, { profiles });
      const fromJson = loadModel({ text: fixture('orders.json'), file: 'orders.json' }, { profiles });
      assert.deepEqual(fromXml, fromJson);
      assert.equal(fromXml.buses[0]?.port, 7400);
      assert.equal(fromXml.buses[0].channels[1]?.key, 'OrderEvents/${OrderState}/EU/${Department}');
      assert.equal(fromXml.apps[1]?.storage.durability, profiles.length === 0 ? 'disk' : 'os');
    });
  }
});

describe('buses (E90)', () => {
  const load = (bus: string) => loadModel({ text: `<model><buses>${bus}</buses></model>`, file: 'm' }).buses[0]!;

  test('a descriptor and its parts conclude to the same bus', () => {
    const one = load('<bus name="b" descriptor="direct://host:7000/x?a=1"><properties><b>2</b></properties></bus>');
    const other = load(
      '<bus name="b" provider="direct" address="host" port="7000" path="/x"><properties><a>1</a><b>2</b></properties></bus>',
    );
    assert.deepEqual(one, other);
    assert.equal(one.descriptor, 'direct://host:7000/x');
  });

  test('a property of the bus is stronger than a parameter of its descriptor', () => {
    const bus = load('<bus name="b" descriptor="direct://host?a=1"><properties><a>2</a></properties></bus>');
    assert.equal(bus.properties['a'], '2');
  });

  test('a port without an address is a mistake, and so is a bus without a provider', () => {
    const told = (bus: string) => outline(problemsOf(`<model><buses>${bus}</buses></model>`));
    assert.deepEqual(told('<bus name="b" provider="direct" port="1"/>'), [
      'AEP_MODEL_RELATION model.buses.bus[0].port',
    ]);
    assert.deepEqual(told('<bus name="b" port="1"/>'), ['AEP_MODEL_FIELD_MISSING model.buses.bus[0]']);
  });

  test('maps have no prototype, so that no name finds what nobody wrote', () => {
    assert.equal(load('<bus name="b" descriptor="loopback://"/>').properties['toString'], undefined);
  });
});

describe('keys (M2, E82)', () => {
  const load = (channel: string, filter: string) =>
    loadModel({
      text: `<model><env><Region>no</Region></env><buses><bus name="b" descriptor="loopback://">${channel}</bus></buses>
        <apps><app name="a" mainClass="x"><messaging><buses><bus name="b"><channel name="c" filter="${filter}"/></bus></buses></messaging></app></apps></model>`,
      file: 'm',
    });
  const FROZEN = '<initialKeyResolution><Region>US</Region></initialKeyResolution>';
  const filterOf = (model: ReturnType<typeof load>) => model.apps[0]?.messaging.buses[0]?.channels[0]?.filter;

  test('variables of keys and filters are left alone, even those that env knows', () => {
    const model = load('<channel name="c" key="K/${Region}/${Department::none}"/>', 'Region=${Region}');
    assert.equal(model.buses[0]?.channels[0]?.key, 'K/${Region}/${Department::none}');
    assert.equal(filterOf(model), 'Region=${Region}');
  });

  test('variables of the initial key resolution table are put into keys and filters', () => {
    const model = load(
      `<channel name="c" key="K/\${Region::x}/\${Department}">${FROZEN}</channel>`,
      'Department=${Region}',
    );
    assert.equal(model.buses[0]?.channels[0]?.key, 'K/US/${Department}');
    assert.equal(filterOf(model), 'Department=US');
  });

  test('a filter on a fixed variable falls away when it lets the fixed value through, and is a mistake otherwise', () => {
    const channel = `<channel name="c" key="K/\${Region}/\${Department}">${FROZEN}</channel>`;
    assert.equal(filterOf(load(channel, 'Region=US|EMEA;Department=x')), 'Department=x');
    assert.equal(filterOf(load(channel, 'Region=${Region}')), null);
    assert.deepEqual(
      problemsOfCall(() => load(channel, 'Region=EMEA')).map((problem) => problem.code),
      ['AEP_MODEL_RELATION'],
    );
  });

  test('a filter is variable=value|value, each variable once (E85)', () => {
    for (const filter of ['US', '=US', 'Region=US;EU', 'Region=US;Region=EU']) {
      const told = problemsOfCall(() => load('<channel name="c" key="K/${Region}"/>', filter));
      assert.deepEqual(
        told.map((problem) => problem.code),
        ['AEP_MODEL_VALUE'],
        filter,
      );
    }
  });

  test('a filter may name a variable with another case of its first letter, and values may be "*"', () => {
    assert.equal(filterOf(load('<channel name="c" key="K/${Region}"/>', 'region=US|*;')), 'region=US|*');
  });

  test('a key with an open variable, an open function or a wildcard is a mistake (E80)', () => {
    for (const key of ['K/${Region', 'K/#[s = hash(${a}, 3)', 'K/*', 'K/>', 'K/${}', 'K/${1}']) {
      const text = `<model><buses><bus name="b" descriptor="loopback://"><channel name="c"><key>${key}</key></channel></bus></buses></model>`;
      assert.deepEqual(outline(problemsOf(text)), ['AEP_MODEL_VALUE model.buses.bus[0].channels.channel[0].key'], key);
    }
  });

  test('a function of a key can be filtered on, and keeps its variables for the bus (E80)', () => {
    const model = load(`<channel name="c" key="K/#[shard = hash(\${Region}, 4)]">${FROZEN}</channel>`, 'shard=1|2');
    assert.equal(model.buses[0]?.channels[0]?.key, 'K/#[shard = hash(${Region}, 4)]');
    assert.equal(filterOf(model), 'shard=1|2');
  });

  test('a fixed value is cleaned like any other, and refused when it would make another level (E83)', () => {
    const table = '<initialKeyResolution><Region>U/S</Region></initialKeyResolution>';
    const cleaned = load(
      `<channel name="c" key="K/\${Region}" cleanMessageKey="true">${table}</channel>`,
      'Region=U_S',
    );
    assert.equal(cleaned.buses[0]?.channels[0]?.key, 'K/U_S');
    const told = problemsOfCall(() => load(`<channel name="c" key="K/\${Region}">${table}</channel>`, 'Region=U/S'));
    assert.deepEqual(outline(told), [
      'AEP_MODEL_RELATION model.buses.bus[0].channels.channel[0].initialKeyResolution.Region',
    ]);
  });
});

describe('a model in code (M10)', () => {
  test('concludes to the same object as its XML', () => {
    const inCode = defineModel({
      env: { region: 'US' },
      buses: [{ name: 'b', provider: 'loopback', channels: [{ name: 'c', key: 'K/${Region}' }] }],
      apps: [
        { name: 'a', mainClass: 'x', messaging: { buses: [{ name: 'b', channels: [{ name: 'c', join: true }] }] } },
      ],
      xvms: [{ name: 'x', apps: [{ name: 'a' }], admin: { port: 8080 } }],
    });
    const text = `<model><env><region>US</region></env>
      <buses><bus name="b" provider="loopback"><channels><channel name="c"><key>K/\${Region}</key></channel></channels></bus></buses>
      <apps><app name="a" mainClass="x"><messaging><buses><bus name="b"><channels><channel name="c" join="true"/></channels></bus></buses></messaging></app></apps>
      <xvms><xvm name="x"><apps><app name="a"/></apps><admin><port>8080</port></admin></xvm></xvms></model>`;
    assert.deepEqual(inCode, loadModel({ text, file: 'm' }));
    assert.equal(inCode.env.get('region'), 'US');
  });

  test('takes what types cannot stop: cycles, functions and nulls are told, not thrown', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['env'] = cyclic;
    for (const input of [cyclic, { env: { f: () => 1 } }, { apps: null }, { env: { a: NaN } }, null, 5, 'model']) {
      assert.ok(problemsOfCall(() => defineModel(input as never)).length > 0);
    }
  });
});

describe('errors', () => {
  test('one that has to be read by machines has all problems with their facts', () => {
    const [problem] = problemsOf(
      '<model><buses><bus name="b" provider="direct" address="h" port="70000"/></buses></model>',
    );
    assert.equal(problem?.code, 'AEP_MODEL_VALUE');
    assert.equal(problem.path, 'model.buses.bus[0].port');
    assert.deepEqual([problem.line, problem.column], [1, 59]);
    assert.equal(problem.value, '70000');
    assert.equal(problem.allowed, 'an integer 1..65535');
  });

  test('a reference to what is not there tells the nearest name that is', () => {
    const text = fixture('guide-sample.xml').replace('"new-orders-channel" join', '"new-order-chanel" join');
    const [problem] = problemsOf(text);
    assert.equal(problem?.code, 'AEP_MODEL_NAME_UNKNOWN');
    assert.equal(problem.nearest, 'new-orders-channel');
    assert.equal(
      problem.message,
      'the bus "sample-bus" has no channel "new-order-chanel": did you mean "new-orders-channel"?',
    );
  });

  test('a value that has to be there is missing at its parent', () => {
    const [problem] = problemsOf('<model>\n<apps><app name="a"/></apps></model>');
    assert.equal(problem?.code, 'AEP_MODEL_FIELD_MISSING');
    assert.equal(problem.path, 'model.apps.app[0].mainClass');
    assert.deepEqual([problem.line, problem.column], [2, 7]);
  });

  test('the number of problems that are told is bounded, and the rest is counted', () => {
    const buses = Array.from({ length: 1000 }, (_, index) => `<bus name="b${index}" port="x"/>`).join('');
    const problems = problemsOf(`<model><buses>${buses}</buses></model>`);
    assert.equal(problems.length, 201);
    assert.match(problems.at(-1)!.message, /^and \d+ more problems/);
  });

  test('JSON of the error holds the problems', () => {
    const error = new ModelError('m', problemsOf('<model><x/></model>'));
    assert.equal((error.toJSON()['problems'] as unknown[]).length, 1);
  });

  test('a mistake in a template is told once, not once per use', () => {
    const text = `<model><buses><templates><bus name="t" provider="direct" port="x"/></templates>
      <bus name="a" template="t"/><bus name="b" template="t"/></buses></model>`;
    assert.deepEqual(outline(problemsOf(text)), ['AEP_MODEL_VALUE model.buses.templates.bus[0].port']);
  });
});
