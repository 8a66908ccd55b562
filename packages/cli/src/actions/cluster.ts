import type { AdminClient } from '../admin/admin-client.js';
import { adminClient } from '../admin/admin-target.js';
import type { ClusterJson } from '../admin/admin-types.js';
import { ExitCode } from '../exit-code.js';
import type { AdminOptions } from '../options/admin-options.js';
import { formatCount } from '../output/progress.js';
import type { Column } from '../output/table.js';
import type { Session } from '../session.js';
import { usageError } from '../usage-error.js';

interface ClusterOptions extends AdminOptions {
  readonly app?: string;
}

interface PromoteOptions extends ClusterOptions {
  readonly unsafe?: boolean;
  readonly yes?: boolean;
}

/** Exit code 1 when the member is neither primary nor a backup that gets records, or fewer than two members are listed. */
export async function clusterStatus(
  { io, output }: Session,
  _args: readonly string[],
  options: ClusterOptions,
): Promise<ExitCode> {
  const { client, app } = await target(adminClient(io, options), options);
  const status = await client.cluster(app);
  if (output.json) output.document(status);
  else {
    const { name, group, role, epoch, register, lastTxId, stableTxId, acks } = status;
    output.line(`member ${name} of group ${group}: ${role} in epoch ${epoch}`);
    output.line(`primary ${register?.primary.name ?? 'none'}, listed ${listed(status).join(', ') || 'nobody'}`);
    output.line(`last record ${formatCount(lastTxId)}, stable in the group ${formatCount(stableTxId)}`);
    if (acks === 'none') output.line('acks: none; a failover may lose what the others have not received');
    if (status.replay !== undefined) output.line(describeReplay(status.replay));
    if (status.arbiter !== 'available') output.line(`arbiter: ${status.arbiter}`);
    if (status.cause !== undefined) output.line(`stopped: ${status.cause}`);
    if (status.followers.length > 0) output.table(FOLLOWER_COLUMNS, status.followers.map(followerRow));
  }
  return isWell(status) ? ExitCode.ok : ExitCode.problemsFound;
}

export async function clusterMembers(
  { io, output }: Session,
  _args: readonly string[],
  options: ClusterOptions,
): Promise<ExitCode> {
  const { client, app } = await target(adminClient(io, options), options);
  const status = await client.cluster(app);
  const rows = membersOf(status);
  if (output.json) output.document(rows);
  else output.table(MEMBER_COLUMNS, rows.map(memberRow));
  return ExitCode.ok;
}

export async function clusterSwitch(
  { io, output }: Session,
  [to]: readonly string[],
  options: ClusterOptions,
): Promise<ExitCode> {
  const { client, app } = await target(adminClient(io, options), options);
  const startedMs = io.clock.monotonicMs();
  const { register } = await client.clusterSwitch(app, to);
  const tookMs = Math.round(io.clock.monotonicMs() - startedMs);
  if (output.json) output.document({ primary: register?.primary.name, epoch: register?.epoch, tookMs });
  else
    output.line(`${register?.primary.name ?? 'another member'} leads in epoch ${register?.epoch}, after ${tookMs} ms`);
  return ExitCode.ok;
}

export async function clusterPromote(
  { io, output }: Session,
  _args: readonly string[],
  options: PromoteOptions,
): Promise<ExitCode> {
  if (options.unsafe !== true)
    throw usageError('promote loses what the member lacks: say --unsafe, and only when all listed members are lost');
  const { client, app } = await target(adminClient(io, options), options);
  const before = await client.cluster(app);
  output.note(
    `member ${before.name} has records up to ${formatCount(before.lastTxId)}; everything after that which the group has acknowledged is lost, and sent messages may come again with other contents`,
  );
  output.note(`listed members that must never come back as they are: ${listed(before).join(', ') || 'nobody'}`);
  if (options.yes !== true) throw usageError('nothing was done: repeat it with --yes when that is what you want');
  const after = await client.clusterPromote(app);
  if (output.json) output.document(after);
  else output.line(`${after.name} leads in epoch ${after.register?.epoch ?? after.epoch}`);
  return ExitCode.ok;
}

async function target(client: AdminClient, { app }: ClusterOptions): Promise<{ client: AdminClient; app: string }> {
  return { client, app: (await client.chooseApp(app)).name };
}

function listed({ register }: ClusterJson): string[] {
  return (register?.members ?? []).map(({ name }) => name);
}

function isWell(status: ClusterJson): boolean {
  const isServing = status.role === 'primary' || (status.role === 'backup' && status.isLinked);
  return isServing && listed(status).length > 1 && status.arbiter === 'available';
}

interface MemberRow {
  readonly name: string;
  readonly role: 'primary' | 'backup' | 'joining';
  readonly isListed: boolean;
  readonly isPresent: boolean;
  readonly address: string | undefined;
  readonly priority: number | undefined;
  /** Records that it lacks; undefined when this member cannot know. */
  readonly lag: number | undefined;
}

function membersOf(status: ClusterJson): MemberRow[] {
  const names = new Set([...listed(status), ...status.present.map(({ name }) => name)]);
  return [...names].toSorted().map((name) => {
    const isListed = listed(status).includes(name);
    const present = status.present.find((one) => one.name === name);
    const isPrimary = status.register?.primary.name === name;
    return {
      name,
      role: isPrimary ? 'primary' : isListed ? 'backup' : 'joining',
      isListed,
      isPresent: present !== undefined,
      address: present?.address,
      priority: present?.priority,
      lag: isPrimary ? 0 : status.followers.find((one) => one.name === name)?.lag,
    };
  });
}

const MEMBER_COLUMNS: readonly Column[] = [
  { title: 'MEMBER' },
  { title: 'ROLE' },
  { title: 'LISTED' },
  { title: 'PRESENT' },
  { title: 'ADDRESS' },
  { title: 'PRIORITY', align: 'right' },
  { title: 'LAG', align: 'right' },
];

function memberRow({ name, role, isListed, isPresent, address, priority, lag }: MemberRow): string[] {
  return [
    name,
    role,
    isListed ? 'yes' : 'no',
    isPresent ? 'yes' : 'no',
    address ?? '-',
    priority === undefined ? '-' : String(priority),
    lag === undefined ? '-' : formatCount(lag),
  ];
}

const FOLLOWER_COLUMNS: readonly Column[] = [
  { title: 'FOLLOWER' },
  { title: 'PHASE' },
  { title: 'LISTED' },
  { title: 'ACKED', align: 'right' },
  { title: 'LAG', align: 'right' },
];

function followerRow({ name, phase, isListed, ackedTxId, lag }: ClusterJson['followers'][number]): string[] {
  return [name, phase, isListed ? 'yes' : 'no', formatCount(ackedTxId), formatCount(lag)];
}

function describeReplay({ phase, txId, problems, firstProblem }: NonNullable<ClusterJson['replay']>): string {
  const found = problems === 0 ? '' : `; problems: ${formatCount(problems)}, the first: ${firstProblem ?? 'unknown'}`;
  return `handlers of the backup: ${phase}, record ${formatCount(txId)}${found}`;
}
