import type { Xvm } from '@aep/host';
import type { Model } from '@aep/model';
import { dirname, resolve } from 'node:path';
import { ExitCode } from '../exit-code.js';
import { readModel } from '../model-file.js';
import type { ModelOptions } from '../options/model-options.js';
import { formatCount, formatQuantity } from '../output/progress.js';
import type { Session } from '../session.js';

interface RunOptions extends ModelOptions {
  readonly xvm?: string;
  readonly app?: readonly string[];
  readonly data?: string;
}

export async function runModel(session: Session, [file]: readonly string[], options: RunOptions): Promise<ExitCode> {
  const { io } = session;
  const model = readModel(io, file!, options);
  // The host brings the HTTP server and the container along; only this command needs them.
  const { runXvm } = await import('@aep/host');
  const exitCode = await runXvm({
    model,
    modelDir: dirname(resolve(io.cwd, file!)),
    environment: io.env,
    ...(options.data === undefined ? {} : { dataDir: resolve(io.cwd, options.data) }),
    ...(options.xvm === undefined ? {} : { xvm: options.xvm }),
    ...(options.app === undefined ? {} : { apps: options.app }),
    process: io.process,
    onStarted: (xvm) => summarise(session, model, xvm),
  });
  return HOST_EXITS[exitCode] ?? ExitCode.failed;
}

/** The host's exit codes (sysexits) in this command line's terms. */
const HOST_EXITS: Readonly<Record<number, ExitCode>> = {
  0: ExitCode.ok,
  69: ExitCode.unreachable,
  78: ExitCode.inputInvalid,
};

function summarise({ output }: Session, model: Model, xvm: Xvm): void {
  const status = xvm.status();
  const admin = adminUrl(model, xvm.name);
  if (output.json) {
    output.document({ event: 'started', ...status, admin });
    return;
  }
  output.line(
    `xvm ${output.style.bold(status.xvm)} runs ${formatQuantity(status.apps.length, 'app')} (process ${status.pid})`,
  );
  const rows = status.apps.map(({ name, state, messaging, role, statistics }) => {
    const { durability, stableTxId } = statistics;
    const channels = Object.keys(statistics.channels);
    return [name, state, role, messaging, durability, formatCount(stableTxId), channels.join(' ')];
  });
  const titles = ['APP', 'STATE', 'ROLE', 'MESSAGING', 'DURABILITY', 'TX', 'CHANNELS'];
  output.table(
    titles.map((title) => ({ title })),
    rows,
  );
  output.line(
    admin === null
      ? 'no admin server: give the xvm an <admin port="…"/> for statistics and commands'
      : `admin server: ${admin}`,
  );
  output.note('Ctrl-C stops in order');
}

function adminUrl(model: Model, name: string): string | null {
  const admin = model.xvms.find((xvm) => xvm.name === name)?.admin;
  return admin === undefined || admin.port === 0 ? null : `http://${admin.address}:${admin.port}`;
}
