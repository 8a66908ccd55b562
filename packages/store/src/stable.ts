declare const stable: unique symbol;

/**
 * The token that releases sends and acknowledgements: only a journal can issue one (STYLE rule 3, "persist before you
 * speak"). It says: every record with a txId up to this one holds the durability of the journal.
 */
export interface Stable {
  readonly [stable]: true;
  readonly txId: number;
}

/** For journals only (exported from `./internal`): the records up to `txId` are on the medium that the durability names. */
export function issueStable(txId: number): Stable {
  return { txId } as Stable;
}
