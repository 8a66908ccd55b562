import type { EntityType } from '@aep/messages';
import type { KeyKind } from './key-codec.js';
import type { StateSpace } from './state-space.js';

/** Base of generated state roots: typed faces of the collections of one {@link StateSpace}. Holds no state itself. */
export abstract class StateRoot {
  /** @internal the space that the root is a face of */
  readonly $space: StateSpace;

  constructor(space: StateSpace) {
    this.$space = space;
  }
}

/** What a generated state root class says of itself: its static `$type`. */
export interface StateRootType<R extends StateRoot = StateRoot> {
  /** Protobuf full name, such as `shop.OrderBook`. */
  readonly fullName: string;
  create(space: StateSpace): R;
  readonly collections: readonly CollectionInfo[];
}

/** One table of a state root, for tools. */
export interface CollectionInfo {
  /** The protobuf field number; 0 for the single values. */
  readonly id: number;
  readonly name: string;
  readonly kind: 'collection' | 'queue' | 'values';
  /** Of a collection only. */
  readonly keyKind?: KeyKind;
  readonly entity: EntityType;
}
