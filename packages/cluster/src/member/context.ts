import type { AepError, Clock, Log, Random } from '@aep/kernel';
import type { Network } from '@aep/net';
import type { StoreMaker } from '@aep/store';
import type { Arbiter } from '../arbiter/arbiter.js';
import type { ReplayPort } from '../replication/replay-port.js';
import type { EngineMaker } from './engine-port.js';
import type { MemberEvent } from './events.js';
import type { MarkName } from './marks.js';
import type { ConcludedMemberOptions } from './options.js';
import type { MemberParts } from './parts.js';
import type { Register } from './register.js';

/** What all roles of a member share. */
export interface MemberContext {
  readonly options: ConcludedMemberOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly network: Network;
  readonly arbiter: Arbiter;
  readonly maker: StoreMaker;
  readonly engines: EngineMaker;
  readonly register: Register;
  readonly parts: MemberParts;
  readonly replay: ReplayPort | undefined;
  readonly mark: (name: MarkName) => void;
  readonly emit: (event: MemberEvent) => void;
  /** This member cannot go on: it stops for good with this cause (H22). */
  readonly fail: (cause: AepError) => void;
}
