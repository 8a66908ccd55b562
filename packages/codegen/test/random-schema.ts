import fc from 'fast-check';

/** A message of a random schema. Field names are `f` and the number, so every program agrees on them. */
export interface RandomMessage {
  readonly name: string;
  readonly fields: readonly RandomField[];
}

export interface RandomField {
  readonly name: string;
  readonly number: number;
  readonly rule: 'single' | 'optional' | 'oneof' | 'repeated' | 'unpacked' | 'map';
  /** Scalar type, `Color`, or the name of a message. */
  readonly type: string;
  readonly mapKey: string;
  readonly jsNumber: boolean;
}

/** Values by field name: bigint for 64 bits, arrays for lists, arrays of pairs for maps; absent means not set or default. */
export type Model = { [name: string]: unknown };

export const scalarTypes = [
  'double',
  'float',
  'int32',
  'uint32',
  'sint32',
  'fixed32',
  'sfixed32',
  'int64',
  'uint64',
  'sint64',
  'fixed64',
  'sfixed64',
  'bool',
  'string',
  'bytes',
] as const;
const keyTypes = scalarTypes.filter((type) => type !== 'double' && type !== 'float' && type !== 'bytes');
const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 100, 2047, 2048, 20_000, 536_870_911];
const messageNames = ['M0', 'M1', 'M2'];

const fieldArbitrary = fc.record({
  rule: fc.constantFrom<RandomField['rule']>('single', 'single', 'optional', 'oneof', 'repeated', 'unpacked', 'map'),
  type: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<string>(...scalarTypes) },
    { weight: 1, arbitrary: fc.constantFrom('Color', ...messageNames) },
  ),
  mapKey: fc.constantFrom<string>(...keyTypes),
  jsNumber: fc.boolean(),
});

const messageArbitrary = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...numbers), { minLength: 1, maxLength: 14 }),
    fc.array(fieldArbitrary, { minLength: 14, maxLength: 14 }),
  )
  .map(([chosen, fields]): RandomField[] =>
    chosen.map((number, index) => ({ ...fields[index]!, name: `f${number}`, number })),
  );

/** Three messages that can embed each other. */
export const schemaArbitrary: fc.Arbitrary<RandomMessage[]> = fc
  .tuple(messageArbitrary, messageArbitrary, messageArbitrary)
  .map((all) => all.map((fields, index) => ({ name: messageNames[index]!, fields })));

/** The schema as a proto file. */
export function schemaText(messages: readonly RandomMessage[], packageName: string, factoryId: number): string {
  const lines = [
    'syntax = "proto3";',
    `package ${packageName};`,
    'import "aep/options.proto";',
    `option (aep.factory_id) = ${factoryId};`,
  ];
  lines.push('enum Color { COLOR_NONE = 0; COLOR_RED = 1; COLOR_BLUE = 7; COLOR_NEGATIVE = -3; }');
  messages.forEach((message, index) => {
    lines.push(`message ${message.name} {`, `  option (aep.type_id) = ${index + 1};`, '  option (aep.entity) = true;');
    const members = message.fields.filter((field) => field.rule === 'oneof');
    if (members.length > 0)
      lines.push('  oneof choice {', ...members.map((field) => `    ${declaration(field)}`), '  }');
    for (const field of message.fields) if (field.rule !== 'oneof') lines.push(`  ${declaration(field)}`);
    lines.push('}');
  });
  return lines.join('\n');
}

function declaration(field: RandomField): string {
  const options: string[] = [];
  const isScalarNumber = !['string', 'bytes', ...messageNames].includes(field.type);
  if (field.rule === 'unpacked' && isScalarNumber) options.push('packed = false');
  if (usesNumber(field)) options.push('jstype = JS_NUMBER');
  const suffix = options.length === 0 ? '' : ` [${options.join(', ')}]`;
  if (field.rule === 'map') return `map<${field.mapKey}, ${field.type}> ${field.name} = ${field.number};`;
  const rule =
    field.rule === 'repeated' || field.rule === 'unpacked' ? 'repeated ' : field.rule === 'optional' ? 'optional ' : '';
  return `${rule}${field.type} ${field.name} = ${field.number}${suffix};`;
}

/** Whether the field's 64-bit values are kept as `number`. */
export function usesNumber(field: RandomField): boolean {
  return field.jsNumber && field.type.endsWith('64') && field.rule !== 'map';
}

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ minLength: 120, maxLength: 300 }),
);

function scalarArbitrary(type: string): fc.Arbitrary<unknown> {
  switch (type) {
    case 'double':
      return fc.double();
    case 'float':
      return fc.float();
    case 'bool':
      return fc.boolean();
    case 'string':
      return text;
    case 'bytes':
      return fc.uint8Array({ maxLength: 200 });
    case 'Color':
      return fc.constantFrom(0, 1, 7, -3, 99, -(2 ** 31));
    case 'uint32':
    case 'fixed32':
      return fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32 - 1), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    case 'uint64':
    case 'fixed64':
      return fc.oneof(
        fc.constantFrom(0n, 127n, 128n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
        fc.bigInt(0n, 2n ** 64n - 1n),
      );
    default:
      if (type.endsWith('64')) {
        const extremes = fc.constantFrom(0n, -1n, 2n ** 31n, -(2n ** 31n), 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n));
        return fc.oneof(extremes, fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
      }
      return fc.oneof(fc.constantFrom(0, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31)), fc.integer());
  }
}

function valueArbitrary(field: RandomField, messages: readonly RandomMessage[], depth: number): fc.Arbitrary<unknown> {
  if (messageNames.includes(field.type)) return modelArbitrary(messages, field.type, depth + 1);
  if (!usesNumber(field)) return scalarArbitrary(field.type);
  const min = field.type.startsWith('u') || field.type === 'fixed64' ? 0 : Number.MIN_SAFE_INTEGER;
  return fc
    .oneof(fc.constantFrom(0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER, min), fc.maxSafeInteger())
    .filter((value) => value >= min);
}

/** A value of a message. Embedding ends at depth 3. */
export function modelArbitrary(messages: readonly RandomMessage[], name: string, depth = 0): fc.Arbitrary<Model> {
  const message = messages.find((candidate) => candidate.name === name)!;
  const usable = message.fields.filter((field) => depth < 3 || !messageNames.includes(field.type));
  const entries = usable.map((field) => {
    const value = valueArbitrary(field, messages, depth);
    if (field.rule === 'map') {
      const pairs = fc.uniqueArray(fc.tuple(scalarArbitrary(field.mapKey), value), {
        maxLength: 3,
        selector: ([key]) => String(key),
      });
      return pairs.map((all): [RandomField, unknown] => [field, all]);
    }
    const isList = field.rule === 'repeated' || field.rule === 'unpacked';
    return (isList ? fc.array(value, { maxLength: 4 }) : value).map((found): [RandomField, unknown] => [field, found]);
  });
  const chosen = fc.array(fc.boolean(), { minLength: entries.length, maxLength: entries.length });
  return fc.tuple(chosen, fc.nat(), ...entries).map(([mask, pick, ...found]) => {
    const all: readonly [RandomField, unknown][] = found;
    const members = all.filter(([field]) => field.rule === 'oneof');
    const member = members[pick % Math.max(1, members.length)]?.[0];
    return toModel(all.filter(([field], index) => mask[index] && (field.rule !== 'oneof' || field === member)));
  });
}

function toModel(entries: readonly [RandomField, unknown][]): Model {
  const model: Model = {};
  for (const [field, value] of entries) {
    if (field.rule === 'single' && isDefault(value)) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    model[field.name] = value;
  }
  return model;
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return Object.is(value, 0) || value === 0n || value === false || value === '';
}
