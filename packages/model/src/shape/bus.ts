import { bareList, choice, flag, integer, key, list, map, name, object, text } from './field.js';

/** M4, E82, E83. */
export const CHANNEL = object('Channel', 'A named stream of messages on a bus.', {
  name: name('Unique on its bus.'),
  id: integer('Number of the channel for providers that address channels by number.', {
    min: 1,
    max: 65_535,
    default: null,
  }),
  qos: choice('Guaranteed: journaled, confirmed, sent again. BestEffort: released after stability, not kept (E44).', [
    'Guaranteed',
    'BestEffort',
  ]),
  key: key(
    'Key template with levels split by "/", such as NEWORDERS/${Region}/${Department} (E80). Variables are filled per message, not while loading, except those of initialKeyResolution. null: messages of the channel have no key.',
  ),
  defaultType: text(
    'Full name of the protobuf type that a message without a type has, such as acme.NewOrder: for what other programs send. null: such a message is unhandled.',
    { default: null },
  ),
  initialKeyResolution: map('Key variables whose value is fixed for good when the model is loaded (E82).'),
  keyResolution: map('Values of key variables that the message and the send do not give (E81).'),
  cleanMessageKey: flag('Replace what is not a letter or digit in the value of a key variable by "_" (E83).', false),
  allowEmptyKeyField: flag('Accept an empty value of a key variable; otherwise the send fails (E83).', false),
  treatEmptyKeyFieldAsNull: flag('Treat an empty field as if it were not there, so that defaults apply (E83).', false),
  maxResolvedKeyLength: integer('Characters of a resolved key; a longer one fails the send (E83).', {
    min: 1,
    max: 65_535,
    default: '1024',
  }),
  properties: map('Settings for the provider.'),
});

/** M4, E90. */
export const BUS = object('Bus', 'A message bus: where it is and which channels it carries.', {
  name: name('Unique in the model.'),
  template: name('Name of a bus template whose values apply where this bus gives none.', {
    default: null,
    consumed: true,
  }),
  descriptor: text('provider://address[:port][/path][?key=value&key=value]; instead of provider, address and port.', {
    default: null,
    filled: true,
  }),
  provider: name('Name of the provider: loopback, direct, executor, or a registered one.', {
    default: null,
    filled: true,
  }),
  address: text('Host name or address, or what the provider takes for one. Empty when there is none.', {
    default: null,
    filled: true,
  }),
  port: integer('Port; null when the address has none.', { min: 1, max: 65_535, default: null }),
  path: text('What follows the address in the descriptor, with its slash. Empty when there is none.', {
    default: null,
    filled: true,
  }),
  properties: map('Settings for the provider; joined with those after the "?" of the descriptor, and stronger.'),
  channels: bareList('channel', CHANNEL, 'Channels of the bus.'),
});

/** E90: providers beyond the built-in ones. */
export const BUS_PROVIDER = object('BusProvider', 'A message bus provider of your own.', {
  name: name('The name to be used as provider of a bus.'),
  module: text('Module and export of the provider class: ./dist/my-bus.js#MyBusProvider.'),
});

export const BUS_LIST = list('bus', BUS, 'Message buses.');
export const BUS_PROVIDER_LIST = list('provider', BUS_PROVIDER, 'Providers beyond the built-in ones.');
