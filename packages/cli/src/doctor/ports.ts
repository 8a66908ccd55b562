import type { Model } from '@aep/model';
import type { CliIo } from '../cli-io.js';
import type { Check } from './checks.js';

/** Ports that the xvms of a model listen on: their admin servers, and the links of app groups. */
export function portChecks({ machine }: CliIo, model: Model): Check[] {
  const admin = model.xvms.map(({ name, admin: { address, port } }) => ({
    use: `admin of xvm ${name}`,
    address,
    port,
  }));
  const links = model.apps.flatMap(({ name, storage: { clustering } }) =>
    clustering === null
      ? []
      : [{ use: `link of app ${name}`, address: clustering.linkAddress, port: clustering.linkPort }],
  );
  return [...admin, ...links]
    .filter(({ port }) => port > 0)
    .map(({ use, address, port }) => ({
      name: `port ${port}`,
      advice: 'choose another port in the model',
      measure: async () => {
        if (await machine.isPortFree(address, port))
          return { status: 'ok', found: `${address}:${port} is free (${use})` };
        const advice = 'another process listens there (perhaps this xvm is running): end it, or choose another port';
        return { status: 'fail', found: `${address}:${port} is taken (${use})`, advice };
      },
    }));
}
