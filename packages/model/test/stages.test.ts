import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  configOrigin,
  configOrigins,
  describeOrigin,
  formatConfig,
  loadModel,
  type LoadModelOptions,
  redactSecrets,
} from '@aep/model';
import { outline, problemsOf } from './models.js';

const load = (text: string, options: LoadModelOptions = {}) => loadModel({ text, file: 'model.xml' }, options);

describe('variables (M1)', () => {
  const env = (content: string, environment = {}) => load(`<model><env>${content}</env></model>`, { environment }).env;

  test('are looked up in the environment, then in env, then taken from their default', () => {
    const values = env('<a>1</a><x>${a}-${b::2}-${c::3}</x>', { c: 'from outside' });
    assert.equal(values.get('x'), '1-2-from outside');
  });

  test('may be nested in names and in defaults', () => {
    const values = env('<db><us>one</us></db><r>us</r><x>${db.${r}}</x><y>${n::${m::deep}}!</y>');
    assert.equal(values.get('x'), 'one');
    assert.equal(values.get('y'), 'deep!');
  });

  test('a default is not looked at when the variable has a value', () => {
    assert.equal(env('<a>1</a><x>${a::${unknown}}</x>').get('x'), '1');
  });

  test('values from outside are taken as they are', () => {
    assert.equal(env('<x>${a}</x>', { a: '${b}' }).get('x'), '${b}');
  });

  test('without value and default are a mistake that names the nearest', () => {
    const [problem] = problemsOf('<model><env><port>1</port><x>${prt}</x></env></model>');
    assert.equal(problem?.code, 'AEP_MODEL_VARIABLE');
    assert.equal(problem.nearest, 'port');
  });

  test('that multiply each other are stopped before they fill the memory', () => {
    const levels = Array.from(
      { length: 60 },
      (_, level) => `<v${level}>\${v${level + 1}}\${v${level + 1}}</v${level}>`,
    );
    const problems = problemsOf(`<model><env>${levels.join('')}<v60>0123456789</v60></env></model>`);
    assert.ok(problems.every((problem) => problem.code === 'AEP_MODEL_VARIABLE'));
  });

  test('nested thousands deep are a mistake, not a crash', () => {
    const deep = '${a::'.repeat(5000) + '}'.repeat(5000);
    assert.deepEqual(outline(problemsOf(JSON.stringify({ env: { x: deep } }))), ['AEP_MODEL_VARIABLE model.env.x']);
  });
});

describe('profiles (M1)', () => {
  const text = `<model>
    <env><host>dev</host><app><name>x</name><size>1</size></app></env>
    <buses><bus name="b" provider="direct" address="\${host}" port="1"><channel name="c"/></bus></buses>
    <profiles>
      <profile name="prod"><env><host>prod</host><app><name>y</name></app></env>
        <buses><bus name="b" port="2"><channel name="c" qos="BestEffort"/><channel name="d"/></bus><bus name="n" descriptor="loopback://"/></buses></profile>
      <profile name="blue"><env><host>blue</host></env></profile>
    </profiles></model>`;

  test('lay their values over those of the model, items by name', () => {
    const model = load(text, { profiles: ['prod'] });
    assert.equal(model.buses[0]?.descriptor, 'direct://prod:2');
    assert.deepEqual(
      model.buses[0]?.channels.map(({ name, qos }) => `${name} ${qos}`),
      ['c BestEffort', 'd Guaranteed'],
    );
    assert.equal(model.buses[1]?.name, 'n');
    assert.deepEqual(Object.entries(model.env.values), [
      ['host', 'prod'],
      ['app.name', 'y'],
      ['app.size', '1'],
    ]);
    assert.deepEqual(model.activeProfiles, ['prod']);
  });

  test('that are asked for later are stronger, and those not asked for do nothing', () => {
    assert.equal(load(text, { profiles: ['prod', 'blue'] }).env.get('host'), 'blue');
    assert.equal(load(text, { profiles: ['blue', 'prod'] }).env.get('host'), 'prod');
    assert.equal(load(text).env.get('host'), 'dev');
  });

  test('that are not there are a mistake that names the nearest', () => {
    const [problem] = problemsOf(text, { profiles: ['prd'] });
    assert.deepEqual([problem?.code, problem?.nearest], ['AEP_MODEL_PROFILE_UNKNOWN', 'prod']);
  });

  test('are checked even when nobody asks for them', () => {
    assert.deepEqual(outline(problemsOf('<model><profiles><profile name="p"><bses/></profile></profiles></model>')), [
      'AEP_MODEL_FIELD_UNKNOWN model.profiles.profile[0].bses',
    ]);
  });
});

describe('templates (M1)', () => {
  test('give what an item leaves out, through templates of templates', () => {
    const text = `<model><apps>
      <templates><app name="base" mainClass="base"><policies retriesMax="7"/><limits timersMax="9"/></app>
        <app name="mid" template="base"><limits timersMax="8"/></app></templates>
      <app name="a" template="mid"><policies retriesMax="1"/></app></apps></model>`;
    const app = load(text).apps[0]!;
    assert.deepEqual([app.name, app.mainClass, app.policies.retriesMax, app.limits.timersMax], ['a', 'base', 1, 8]);
    assert.equal(load(text).apps.length, 1);
  });

  test('also work in JSON, beside the items', () => {
    const text = '{"buses":{"templates":[{"name":"t","provider":"loopback"}],"bus":[{"name":"a","template":"t"}]}}';
    assert.equal(loadModel({ text, file: 'm.json' }).buses[0]?.provider, 'loopback');
  });

  test('in a circle, or not there, are mistakes', () => {
    const circle = '<templates><bus name="s" template="t"/><bus name="t" template="s"/></templates>';
    const text = `<model><buses>${circle}<bus name="a" template="s"/><bus name="b" template="u" provider="loopback"/></buses></model>`;
    const codes = problemsOf(text).map((problem) => problem.code);
    assert.equal(codes.filter((code) => code === 'AEP_MODEL_TEMPLATE').length, 2);
  });
});

describe('overrides (M1)', () => {
  const text = `<model><env><db><host>h</host></db></env>
    <buses><bus name="my.bus" provider="direct" address="\${db.host}"/></buses>
    <apps><app name="orders" mainClass="x"/></apps></model>`;

  test('set values by the names of items, dots in names included', () => {
    const overrides = {
      'x.buses.my.bus.port': '7',
      'x.apps.orders.storage.clustering.priority': '5',
      'x.apps.orders.properties.a.b': 'c',
    };
    const model = load(text, { overrides });
    assert.equal(model.buses[0]?.port, 7);
    assert.equal(model.apps[0]?.storage.clustering?.priority, 5);
    assert.equal(model.apps[0]?.properties['a.b'], 'c');
  });

  test('of env are seen by variables', () => {
    assert.equal(load(text, { overrides: { 'x.env.db.host': 'other' } }).buses[0]?.address, 'other');
    assert.equal(load(text, { environment: { X_ENV_DB_HOST: 'third' } }).buses[0]?.address, 'third');
  });

  test('come from the environment in capitals, and are weaker there than given ones', () => {
    const environment = {
      X_APPS_ORDERS_POLICIES_RETRIES_MAX: '8',
      X_APPS_ORDERS_LIMITS_TIMERSMAX: '9',
      X_OTHER: 'theirs',
    };
    const model = load(text, { environment, overrides: { 'x.apps.orders.policies.retriesMax': '1' } });
    assert.deepEqual([model.apps[0]?.policies.retriesMax, model.apps[0]?.limits.timersMax], [1, 9]);
  });

  test('are checked like what is written, and name where they came from', () => {
    const [problem] = problemsOf(text, { environment: { X_APPS_ORDERS_POLICIES_RETRIES_MAX: 'many' } });
    assert.equal(problem?.code, 'AEP_MODEL_VALUE');
    assert.equal(problem.place, 'environment X_APPS_ORDERS_POLICIES_RETRIES_MAX');
  });

  test('that lead nowhere are mistakes that name the nearest', () => {
    const wrong = {
      'x.apps.ordrs.limits.timersMax': '1',
      'x.apps.orders.limts.timersMax': '1',
      'x.apps.orders.limits': '1',
      'x.apps.orders': '1',
      'x.apps.orders.limits.timersMax.more': '1',
      'x.apps.orders.name': 'other',
      'x.toString.a': '1',
      'apps.orders.limits.timersMax': '1',
    };
    for (const [name, value] of Object.entries(wrong)) {
      const problems = problemsOf(text, { overrides: { [name]: value } });
      assert.deepEqual(
        problems.map((problem) => problem.code),
        ['AEP_MODEL_OVERRIDE'],
        name,
      );
    }
    assert.equal(problemsOf(text, { overrides: { 'x.apps.orders.limts.a': '1' } })[0]?.nearest, 'limits');
    const [unknown] = problemsOf(text, { environment: { X_APPS_ORDERS_LIMITS_TIMER_MAX: '1' } });
    assert.equal(unknown?.nearest, 'X_APPS_ORDERS_LIMITS_TIMERS_MAX');
  });

  test('from the environment that mean two values are refused', () => {
    const two = '<model><apps><app name="a-b" mainClass="x"/><app name="a.b" mainClass="x"/></apps></model>';
    const [problem] = problemsOf(two, { environment: { X_APPS_A_B_LIMITS_TIMERSMAX: '1' } });
    assert.match(problem!.message, /apps\.a-b\.limits\.timersMax, apps\.a\.b\.limits\.timersMax/);
  });
});

describe('origins (M1)', () => {
  const text = `<model>
  <env><password>p4ss</password><port>7</port></env>
  <buses><templates><bus name="t" provider="direct"/></templates>
    <bus name="b" template="t" address="h" port="\${port}"><properties><apiKey>k3y</apiKey></properties></bus></buses>
  <xvms><xvm name="x"><admin token="t0ken" port="1"/></xvm></xvms>
  <profiles><profile name="p"><xvms><xvm name="x" stopTimeout="1500ms"/></xvms></profile></profiles>
</model>`;
  const model = load(text, {
    profiles: ['p'],
    overrides: { 'x.xvms.x.logging.level': 'debug' },
    environment: { X_XVMS_X_ADMIN_PORT: '2' },
  });
  const originOf = (name: string) => describeOrigin(configOrigin(model, name)!.origin);

  test('tell file, template, profile, variable, override, environment and default', () => {
    assert.equal(originOf('x.buses.b.address'), 'model.xml:4:32');
    assert.equal(originOf('x.buses.b.provider'), 'model.xml:3:35 (template "t")');
    assert.equal(originOf('x.buses.b.port'), 'model.xml:4:44 (${port} from model.xml:2:33)');
    assert.equal(originOf('x.xvms.x.stopTimeout'), 'model.xml:6:51 (profile "p")');
    assert.equal(originOf('model.xvms.xvm[0].logging.level'), 'override x.xvms.x.logging.level');
    assert.equal(originOf('x.xvms.x.admin.port'), 'environment X_XVMS_X_ADMIN_PORT');
    assert.equal(originOf('x.xvms.x.admin.address'), 'default');
  });

  test('cover every value, and every name can be given back as an override', () => {
    const settings = configOrigins(model).filter(
      ({ setting, written }) => written !== null && !setting.endsWith('.name'),
    );
    const overrides = Object.fromEntries(
      settings
        .filter(({ setting }) => !/^x\.buses\.b\.(descriptor|provider|address|port|path)$/.test(setting))
        .map(({ setting, written }) => [setting, written!]),
    );
    assert.deepEqual(load(text, { profiles: ['p'], overrides }), model);
  });

  test('of what stands after the "?" of a descriptor are the descriptor, and secrets there are secrets', () => {
    const bus = '<model><buses><bus name="b" descriptor="direct://h?password=p4ss&amp;a=1"/></buses></model>';
    const described = load(bus);
    assert.equal(described.buses[0]?.properties['password'], 'p4ss');
    assert.equal(configOrigin(described, 'x.buses.b.properties.a')?.origin.column, 29);
    assert.match(formatConfig(described), /^x\.buses\.b\.properties\.password = \(secret\)$/m);
    assert.doesNotMatch(formatConfig(described) + JSON.stringify(described, redactSecrets(described)), /p4ss/);
  });

  test('of addresses with a password in them are secrets under any name', () => {
    const tree = '<env><db>postgres://u:p4ss@host/db</db><plain>http://host:80/a?b=c@d</plain></env>';
    const described = load(`<model>${tree}</model>`);
    const printed = formatConfig(described);
    assert.match(printed, /^x\.env\.db = \(secret\)$/m);
    assert.match(printed, /^x\.env\.plain = "http:.*@d"$/m);
    assert.doesNotMatch(printed + JSON.stringify(described), /p4ss/);
    assert.equal(described.env.get('db'), 'postgres://u:p4ss@host/db');
  });

  test('are printed without secrets', () => {
    const printed = formatConfig(model, { origin: true });
    assert.match(printed, /^x\.xvms\.x\.stopTimeout = "1500ms" {2}# model\.xml:6:51 \(profile "p"\)$/m);
    assert.match(printed, /^x\.xvms\.x\.admin\.token = \(secret\)/m);
    assert.doesNotMatch(printed + JSON.stringify(model, redactSecrets(model)), /p4ss|k3y|t0ken/);
  });
});
