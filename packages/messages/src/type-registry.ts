import { AepError, nearestName } from '@aep/kernel';
import type { MessageFactory, MessageType } from './message-type.js';

/** Ids are kept in 32 bits on the wire; generated code is refused beyond that. */
const idMax = 0x7fff_ffff;

/**
 * The message types that an app knows, by (factory id, type id) and by full name. Immutable once built.
 *
 * @throws AEP_TYPE_ID_CLASH when two types share their ids, or two factories their id; the message names both
 */
export class TypeRegistry {
  readonly types: readonly MessageType[];
  private readonly byFactory = new Map<number, ReadonlyMap<number, MessageType>>();
  private readonly byFullName = new Map<string, MessageType>();
  private last: MessageType | undefined;

  constructor(factories: Iterable<MessageFactory>) {
    const owners = new Map<number, MessageFactory>();
    for (const factory of factories) {
      const owner = owners.get(factory.id);
      if (owner === factory) continue;
      if (owner !== undefined) refuseFactory(owner, factory);
      owners.set(factory.id, factory);
      this.byFactory.set(factory.id, this.indexTypes(factory));
    }
    this.types = [...this.byFullName.values()];
  }

  /** The type with these ids; `undefined` when the app does not know it. */
  find(factoryId: number, typeId: number): MessageType | undefined {
    const { last } = this;
    if (last !== undefined && last.typeId === typeId && last.factoryId === factoryId) return last;
    const type = this.byFactory.get(factoryId)?.get(typeId);
    // The index of a factory is by the ids of its types; only a type that has them itself can be known again by them.
    if (type !== undefined && type.factoryId === factoryId) this.last = type;
    return type;
  }

  /** The type with this protobuf full name. */
  byName(fullName: string): MessageType | undefined {
    return this.byFullName.get(fullName);
  }

  /** The full name that is nearest to a wrong one, for messages. */
  nearest(fullName: string): string | undefined {
    return nearestName(fullName, this.byFullName.keys());
  }

  private indexTypes(factory: MessageFactory): ReadonlyMap<number, MessageType> {
    const types = new Map<number, MessageType>();
    for (const type of factory.types) {
      const other = types.get(type.typeId);
      if (other !== undefined) refuseType(factory, other, type);
      if (type.typeId < 1 || type.typeId > idMax) {
        const text = `${type.fullName}: the type id must be in 1..${idMax}, is ${type.typeId}`;
        throw new AepError('AEP_TYPE_ID_CLASH', 'reject', text, { type: type.fullName, typeId: type.typeId });
      }
      types.set(type.typeId, type);
      this.byFullName.set(type.fullName, type);
    }
    return types;
  }
}

function refuseFactory(first: MessageFactory, second: MessageFactory): never {
  const name = (factory: MessageFactory): string =>
    `${factory.name}${factory.source === undefined ? '' : ` (${factory.source})`}`;
  throw new AepError(
    'AEP_TYPE_ID_CLASH',
    'reject',
    `factory id ${first.id} belongs to both ${name(first)} and ${name(second)}; change (aep.factory_id) in one of the files`,
    { factoryId: first.id, first: name(first), second: name(second) },
  );
}

function refuseType(factory: MessageFactory, first: MessageType, second: MessageType): never {
  throw new AepError(
    'AEP_TYPE_ID_CLASH',
    'reject',
    `type id ${first.typeId} of factory ${factory.name} belongs to both ${first.fullName} and ${second.fullName}; change (aep.type_id) of one`,
    { factoryId: factory.id, typeId: first.typeId, first: first.fullName, second: second.fullName },
  );
}
