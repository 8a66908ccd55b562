import { readFileSync } from 'node:fs';
import { loadModel, parseBusDescriptor, parseModuleReference } from '@aep/model';
import { parseAddress } from '@aep/net';
import { ORDERS_MODEL } from '../../harness/paths.js';
import { bytesOfText, type FuzzTarget, refusalOf, textOfBytes, tokensOf } from '../target.js';

const VALUES = [
  '${',
  '}',
  '::',
  '${a::${b}}',
  '5s',
  '64KiB',
  '-1',
  '9'.repeat(30),
  'true',
  '\0',
  '__proto__',
  'constructor',
];

/** Deployment models as XML. */
export function openXmlModels(): FuzzTarget {
  return {
    name: 'model-xml',
    testRuns: 600,
    seeds: [readFileSync(ORDERS_MODEL), bytesOfText(FULL_XML)],
    tokens: tokensOf(
      ...VALUES,
      '<',
      '>',
      '/>',
      '</',
      '&',
      '&amp;',
      '&#0;',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<!DOCTYPE a [<!ENTITY b "c">]>',
      '&b;',
      '<?xml',
      ' xmlns="a"',
      '<app name="a">',
      '<profiles>',
      ' template="any"',
    ),
    run: (input) => void loadModel({ text: textOfBytes(input), file: 'model.xml' }, OPTIONS),
  };
}

/** Deployment models as JSON. */
export function openJsonModels(): FuzzTarget {
  return {
    name: 'model-json',
    testRuns: 1200,
    seeds: [readFileSync(ORDERS_MODEL.replace(/xml$/, 'json')), bytesOfText(FULL_JSON)],
    tokens: tokensOf(
      ...VALUES,
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\u',
      '\\ud800',
      'null',
      '1e999',
      '"name":',
      '"app":[',
      '[['.repeat(40),
    ),
    run: (input) => void loadModel({ text: textOfBytes(input), file: 'model.json' }, OPTIONS),
  };
}

/** The small languages inside a model: bus descriptors, addresses and references to modules, each given every text. */
export function openDescriptors(): FuzzTarget {
  return {
    name: 'descriptors',
    testRuns: 10_000,
    seeds: [
      'activemq://broker:61613/queues?heartbeatMs=5000&a=%20b',
      'direct://[::1]:7400?reconnectMs=100',
      'loopback://',
      '[fe80::1]:65535',
      './dist/gateway.js#Gateway',
      '@scope/package/sub#Name',
    ].map((text) => bytesOfText(text)),
    tokens: tokensOf('://', ':', '/', '?', '&', '=', '%', '%00', '%E0', '[', ']', '#', '@', '..', '65536', '\n', '\0'),
    run: (input) => {
      const text = textOfBytes(input);
      const parsers = [parseBusDescriptor, parseAddress, parseModuleReference];
      const refusals = parsers.map((parse) => refusalOf(() => parse(text)));
      if (refusals.every((refusal) => refusal !== undefined)) throw refusals[0]!;
    },
  };
}

const OPTIONS = {
  environment: { ORDERS_INPUT: 'a.csv', PORT: '7400' },
  overrides: { 'x.apps.gateway.limits.timersMax': '10' },
};

const FULL_XML = `<model>
  <env><region>EU</region><broker><host>localhost</host><port>\${PORT::7400}</port></broker></env>
  <buses><bus name="orders" descriptor="direct://\${broker.host}:\${broker.port}?reconnectMs=100"><channels>
    <channel name="new" id="1"><key>N/\${Country}</key><cleanMessageKey>true</cleanMessageKey></channel>
    <channel name="events" id="2" qos="Guaranteed"><key>E/\${Region}</key>
      <initialKeyResolution><Region>EU</Region></initialKeyResolution></channel>
  </channels></bus></buses>
  <apps>
    <templates><app name="any"><storage durability="disk"/>
      <policies><stuckAlertThreshold>5s</stuckAlertThreshold></policies></app></templates>
    <app name="gateway" mainClass="./a.js#A" template="any">
      <messaging><buses><bus name="orders"><channels>
        <channel name="new" join="true" filter="Country=A|B"/><channel name="events"/>
      </channels></bus></buses></messaging>
      <limits messageBytesMax="64KiB"/>
    </app>
  </apps>
  <xvms><xvm name="one"><apps><app name="gateway"/></apps></xvm></xvms>
  <profiles><profile name="test"><env><region>US</region></env></profile></profiles>
</model>`;

const FULL_JSON = JSON.stringify({
  env: { region: 'EU', broker: { host: 'localhost', port: '${PORT::7400}' } },
  buses: [
    {
      name: 'orders',
      descriptor: 'direct://${broker.host}:${broker.port}?reconnectMs=100',
      channels: [{ name: 'new', id: 1, key: 'N/${Country}', cleanMessageKey: true }],
    },
  ],
  apps: {
    templates: { app: [{ name: 'any', storage: { durability: 'disk' } }] },
    app: [
      {
        name: 'gateway',
        mainClass: './a.js#A',
        template: 'any',
        messaging: { buses: [{ name: 'orders', channels: [{ name: 'new', join: true, filter: 'Country=A|B' }] }] },
        limits: { messageBytesMax: '64KiB' },
      },
    ],
  },
  xvms: [{ name: 'one', apps: [{ name: 'gateway' }] }],
});
