export type { Arbiter, GroupRecord, MemberRef, Presence, SwapAnswer } from './arbiter/arbiter.js';
export type {
  CopiedEntry,
  CopySnapshot,
  StoreBase,
  StoreInTheMaking,
  StoreMaker,
  StoreOrigin,
} from './replication/store-maker.js';
