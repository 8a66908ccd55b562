import { createRequire } from 'node:module';

const fromPeers = createRequire(new URL('../../peers/package.json', import.meta.url));

export const HOW_TO_INSTALL = 'npm run peers --prefix benchmarks installs the peers';

/**
 * A module of benchmarks/peers, as the part of it that the caller describes. They are not dependencies of the workspace, so
 * they may be missing.
 *
 * @returns a text when it is not there: what to do
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- only the caller can say what the module has
export function loadPeer<Module extends object>(name: string): Module | string {
  try {
    return fromPeers(name) as Module;
  } catch (error) {
    const { message } = error as Error;
    return `${name} cannot be loaded (${message.split('\n')[0]}): ${HOW_TO_INSTALL}`;
  }
}
