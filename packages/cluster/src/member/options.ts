import { AepError } from '@aep/kernel';
import { isLoopbackHost, parseAddress } from '@aep/net';

/** What a person (or the host, from a model) writes about one member. */
export interface MemberOptions {
  /** Of the group: the same on all members. */
  readonly group: string;
  /** Of this member: unique in the group. */
  readonly name: string;
  /** Where its link listens, `host:port`; port 0 takes a free one. */
  readonly address: string;
  /** Under which the others find it. @default what it listens at */
  readonly advertisedAddress?: string;
  /** Names and addresses of other members, for when the arbiter does not tell. @default none */
  readonly peers?: Readonly<Record<string, string>>;
  /** The highest goes first when several may take over (H8). @default 0 */
  readonly priority?: number;
  /** Of the product, `major.minor.patch` (H14). */
  readonly version: string;
  /** Known to all members, 16 characters at least; proves them to each other. It does not encrypt. @default none */
  readonly secret?: string;
  /** Lets the link listen beyond this machine without a secret (H13). @default false */
  readonly insecureLink?: boolean;
  /**
   * `members`: an event is acknowledged when every listed member has it durably. `none`: when this one has it; a failover may
   * lose what the others had not received (H10). @default 'members'
   */
  readonly acks?: 'members' | 'none';
  /** What becomes of a member whose tables hold what the group does not have: it stops and says so, or its store is replaced. @default 'stop' */
  readonly onDivergence?: 'stop' | 'copy';
  readonly limits?: Partial<MemberLimits>;
}

export interface MemberLimits {
  /** A frame at least this often on every link. @default 100 ms */
  readonly heartbeatMs: number;
  /** A link that is silent for so long is over. @default 1000 ms */
  readonly silenceMs: number;
  /** From connecting to the end of the handshake. @default 2000 ms */
  readonly handshakeMs: number;
  /** After the link to the primary is lost, and nobody refuses connections there, how long until this member tries to take over. @default 1000 ms */
  readonly takeOverAfterMs: number;
  /** Each better candidate is given this much of a head start. @default 50 ms */
  readonly headStartMs: number;
  /** After the link to a listed member is lost, how long the primary waits for it before it goes on without it. @default 300 ms */
  readonly soloAfterMs: number;
  /** Pauses between attempts to connect: from the first to the second, doubling, half of it chance. @default 10 ms, 500 ms */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** The register is read this often, beside its watch. @default 1000 ms */
  readonly registerPollMs: number;
  /** After an attempt to change or read the register failed. @default 50 ms */
  readonly registerRetryMs: number;
  /** Bytes of records that a follower takes before they are durable there. @default 16 MiB */
  readonly windowBytes: number;
  /** The newest records that stay in memory for followers although they are durable. @default 4 MiB */
  readonly recentBytesMax: number;
  /** The longest frame; a record must fit into one. @default 256 MiB and some */
  readonly frameBytesMax: number;
  /** A follower is waited for and then paired when it lacks at most so many records: 200 at first, all of these about a second later. @default 10000 */
  readonly pairWithinRecords: number;
  /** Bytes of one chunk of a state copy, which has 500 entries at most; the primary reads one a turn. @default 64 KiB */
  readonly copyChunkBytesMax: number;
  /** Chunks of a state copy under way. @default 32 */
  readonly copyWindowChunks: number;
  /**
   * What a member that is not listed yet is sent while the primary takes records in; all it takes when there were none for a tenth
   * of a second, or when at this pace it would get fewer than two records for each that is new. A listed member is never held
   * back. @default 32 MiB
   */
  readonly catchUpBytesPerSecond: number;
  /** Links from others that are open at the same time, strangers included. @default 32 */
  readonly linksMax: number;
  /** A hand-over that takes longer is given up. @default 15000 ms */
  readonly switchTimeoutMs: number;
  /** Something waits for stability this long: ReplicationStalled. @default 5000 ms */
  readonly stallAlertMs: number;
  /** Age of a stable change when a backup writes it to its tables at the latest. @default 1000 ms */
  readonly checkpointIntervalMs: number;
  /** Changed keys that a backup writes to its tables together at the latest. @default 8192 */
  readonly checkpointEntriesMax: number;
}

export interface ConcludedMemberOptions extends Readonly<
  Required<Omit<MemberOptions, 'secret' | 'advertisedAddress'>>
> {
  readonly secret: string | undefined;
  readonly advertisedAddress: string | undefined;
  readonly limits: MemberLimits;
}

const MIB = 1024 * 1024;

const DEFAULT_LIMITS: MemberLimits = {
  heartbeatMs: 100,
  silenceMs: 1_000,
  handshakeMs: 2_000,
  takeOverAfterMs: 1_000,
  headStartMs: 50,
  soloAfterMs: 300,
  reconnectMinMs: 10,
  reconnectMaxMs: 500,
  registerPollMs: 1_000,
  registerRetryMs: 50,
  windowBytes: 16 * MIB,
  recentBytesMax: 4 * MIB,
  frameBytesMax: 257 * MIB,
  pairWithinRecords: 10_000,
  copyChunkBytesMax: 64 * 1024,
  copyWindowChunks: 32,
  catchUpBytesPerSecond: 32 * MIB,
  linksMax: 32,
  switchTimeoutMs: 15_000,
  stallAlertMs: 5_000,
  checkpointIntervalMs: 1_000,
  checkpointEntriesMax: 8_192,
};

const SECRET_LENGTH_MIN = 16;

/**
 * @param isMutual the network proves who is at the other end
 * @throws AEP_CLUSTER_OPTION_INVALID naming the option and the value; AEP_LINK_INSECURE; AEP_NET_ADDRESS_INVALID
 */
export function concludeMemberOptions(options: MemberOptions, isMutual: boolean): ConcludedMemberOptions {
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(options.limits ?? {})) {
    if (!(name in DEFAULT_LIMITS))
      throw invalid(`limits.${name}`, 'set', `one of ${Object.keys(DEFAULT_LIMITS).join(', ')}`);
    if (value === undefined) continue;
    if (!Number.isFinite(value) || value < 1 || value > 2 ** 31)
      throw invalid(`limits.${name}`, value, '1..2147483648');
    limits[name as keyof MemberLimits] = value;
  }
  if (limits.silenceMs < 2 * limits.heartbeatMs)
    throw invalid('limits.silenceMs', limits.silenceMs, `at least twice limits.heartbeatMs (${limits.heartbeatMs})`);
  for (const name of ['group', 'name'] as const) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$/.test(options[name]))
      throw invalid(name, options[name], 'letters, digits, "_", "." and "-" (200 at most)');
  }
  if (!/^\d{1,6}\.\d{1,6}\.\d[\w.+-]{0,40}$/.test(options.version))
    throw invalid('version', options.version, 'major.minor.patch');
  if (options.secret !== undefined && options.secret.length < SECRET_LENGTH_MIN)
    throw invalid('secret', 'a shorter one', `${SECRET_LENGTH_MIN} characters at least`);
  const { host } = parseAddress(options.address);
  const insecureLink = options.insecureLink ?? false;
  if (!isLoopbackHost(host) && options.secret === undefined && !isMutual && !insecureLink) {
    throw new AepError(
      'AEP_LINK_INSECURE',
      'reject',
      `address ${options.address}: a link that other machines reach needs certificates or a secret; give them, or set insecureLink`,
      { address: options.address },
    );
  }
  return Object.freeze({
    group: options.group,
    name: options.name,
    address: options.address,
    advertisedAddress: options.advertisedAddress,
    peers: options.peers ?? {},
    priority: options.priority ?? 0,
    version: options.version,
    secret: options.secret,
    insecureLink,
    acks: options.acks ?? 'members',
    onDivergence: options.onDivergence ?? 'stop',
    limits: Object.freeze(limits),
  });
}

function invalid(name: string, value: unknown, expected: string): AepError {
  return new AepError(
    'AEP_CLUSTER_OPTION_INVALID',
    'reject',
    `member option ${name}: expected ${expected}, got ${String(value)}`,
    { name, value: String(value) },
  );
}
