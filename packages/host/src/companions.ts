import type { Clock } from '@aep/kernel';
import type { XvmModel } from '@aep/model';
import { AdminServer } from './admin/admin-server.js';
import { Heartbeats } from './heartbeats.js';

const NO_HEARTBEATS = { enabled: false, intervalMs: 5_000, log: false } as const;

/** What runs beside the engines, as the xvm of the model says. @throws AEP_ADMIN_ADDRESS_UNSAFE, AEP_ADMIN_TOKEN_WEAK (reject) */
export function companionsOf(
  xvm: XvmModel | undefined,
  clock: Clock,
): { heartbeats: Heartbeats; admin: AdminServer | undefined } {
  const admin = xvm === undefined || xvm.admin.port === 0 ? undefined : new AdminServer(xvm.admin);
  return { heartbeats: new Heartbeats(xvm?.heartbeats ?? NO_HEARTBEATS, clock), admin };
}
