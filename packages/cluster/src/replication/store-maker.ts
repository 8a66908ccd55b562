export type { CopiedEntry, CopySnapshot, StoreBase, StoreInTheMaking, StoreMaker, StoreOrigin } from '@aep/store';
