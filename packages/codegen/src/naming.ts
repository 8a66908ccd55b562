/** Names that a class has already: public methods of messages and entities, and what every object has. */
const takenProperties = new Set([
  'acquire',
  'constructor',
  'copy',
  'dispose',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'toBytes',
  'toJSON',
  'toLocaleString',
  'toString',
  'valueOf',
]);

/** lowerCamelCase as ProtoJSON has it: underscores go, what follows them becomes upper case. */
export function jsonNameOf(protoName: string): string {
  return protoName.replace(/_+(.?)/g, (_all, next: string) => next.toUpperCase());
}

/** Name of the property; one that the class has already gets `_` behind it. */
export function propertyNameOf(protoName: string): string {
  const name = jsonNameOf(protoName);
  return takenProperties.has(name) || name === '' ? `${name}_` : name;
}

/** `Outer.Inner` → `Outer_Inner`: cannot collide with a name at the top, unlike `OuterInner`. */
export function classNameOf(name: string): string {
  return name.replaceAll('.', '_');
}

/** `order_messages.proto` → `OrderMessagesFactory`. */
export function factoryNameOf(path: string): string {
  const stem = path.replace(/^.*\//, '').replace(/\.proto$/, '');
  const words = stem.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const name = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  return `${/^[A-Za-z]/.test(name) ? name : `File${name}`}Factory`;
}

/** `SIDE_BUY` of `Side` → `BUY`, when all values of the enum begin with its name and what is left is a name. */
export function stripEnumPrefix(enumName: string, values: readonly string[]): string[] {
  const prefix = `${enumName.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}_`;
  const stripped = values.map((value) => value.slice(prefix.length));
  const fits = values.every((value, index) => value.startsWith(prefix) && /^[A-Za-z_]/.test(stripped[index]!));
  return fits ? stripped : [...values];
}
