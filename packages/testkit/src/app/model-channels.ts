import type { Qos } from '@aep/bus';
import { AepError, didYouMean } from '@aep/kernel';
import type { MessageClass, MessageView } from '@aep/messages';
import type { ChannelDefinition, OwnChannels } from './channels.js';

/** What of a deployment model (a `Model` of @aep/model, or an object of that shape) says how channels are used. */
export interface ChannelModel {
  readonly buses: readonly {
    readonly name: string;
    readonly channels: readonly {
      readonly name: string;
      readonly qos: Qos;
      readonly key: string | null;
      readonly initialKeyResolution: Readonly<Record<string, string>>;
      readonly keyResolution: Readonly<Record<string, string>>;
      readonly cleanMessageKey: boolean;
      readonly allowEmptyKeyField: boolean;
      readonly treatEmptyKeyFieldAsNull: boolean;
      readonly maxResolvedKeyLength: number;
    }[];
  }[];
  readonly apps: readonly {
    readonly name: string;
    readonly messaging: {
      readonly buses: readonly {
        readonly name: string;
        readonly channels: readonly { readonly name: string; readonly join: boolean; readonly filter: string | null }[];
      }[];
    };
  }[];
}

/** Channel definitions with the types of an application's channel interface. */
export type ModelChannels<C> = {
  readonly [N in keyof C]: ChannelDefinition & { readonly carries: MessageClass<C[N] & MessageView> };
};

/**
 * The channels of a model for a test: keys, filters, joins as deployed, so that the test fails when the model is wrong. The
 * type argument names the channels that the test uses, as the application's own interface does.
 *
 * @throws AEP_TEST_MODEL the model has no such app, or two buses of it have a channel of one name
 * @example
 * const model = loadModel({ text, file: 'model.xml' });
 * const kit = await testApp(OrderProcessor, { channels: modelChannels<OrderChannels>(model, 'order-processor') });
 */
export function modelChannels<C extends object>(model: ChannelModel, app: string): ModelChannels<C> {
  const joins = modelJoins(model, app);
  const used = new Set(appOf(model, app).messaging.buses.map(({ name }) => name));
  const definitions: Record<string, ChannelDefinition> = {};
  for (const { name: bus, channels } of model.buses) {
    if (!used.has(bus)) continue;
    for (const { name, qos, key, keyResolution, initialKeyResolution, ...keyOptions } of channels) {
      if (Object.hasOwn(definitions, name)) throw invalid(app, `channel "${name}" is on two of its buses`);
      const { cleanMessageKey, allowEmptyKeyField, treatEmptyKeyFieldAsNull, maxResolvedKeyLength } = keyOptions;
      definitions[name] = {
        bus,
        qos,
        ...(key === null ? {} : { key }),
        keyTable: keyResolution,
        keyOptions: {
          initialTable: initialKeyResolution,
          cleanMessageKey,
          allowEmptyKeyField,
          treatEmptyKeyFieldAsNull,
          maxResolvedKeyLength,
        },
        ...joins[name],
      };
    }
  }
  return definitions as ModelChannels<C>;
}

/** What one app of a model joins, and with which filters: for the apps of a `testWorld`. @throws AEP_TEST_MODEL */
export function modelJoins(model: ChannelModel, app: string): OwnChannels {
  const uses = appOf(model, app).messaging.buses.flatMap(({ channels }) => channels);
  return Object.fromEntries(
    uses.map(({ name, join, filter }) => [name, { join, ...(filter === null ? {} : { filter }) }]),
  );
}

function appOf(model: ChannelModel, name: string): ChannelModel['apps'][number] {
  const app = model.apps.find((candidate) => candidate.name === name);
  if (app !== undefined) return app;
  const names = model.apps.map((candidate) => candidate.name);
  throw invalid(name, `the model has no such app${didYouMean(name, names)}; it has ${names.join(', ') || 'none'}`);
}

function invalid(app: string, why: string): AepError {
  return new AepError('AEP_TEST_MODEL', 'reject', `app "${app}": ${why}`, { app });
}
