import type { AppDefinition } from '@aep/engine';
import type { MessageClass, MessageView } from '@aep/messages';

/** How handlers of a message type fail. */
export interface HandlerFault {
  /** How often, retries included. @default 1 */
  readonly times?: number;
  /** What is thrown. @default an Error that says it was asked for */
  readonly error?: unknown;
  /** Throw before the handler has done anything, or when it has done everything (which is then rolled back, E21). @default 'after' */
  readonly at?: 'before' | 'after';
}

interface Planned {
  left: number;
  readonly error: unknown;
  readonly at: 'before' | 'after';
}

type Handler = AppDefinition['messageHandlers'][number];

/** Makes the handlers of an application fail without a change of the application. */
export class HandlerFaults {
  private readonly planned = new Map<string, Planned>();

  plan(type: MessageClass, fault: HandlerFault): void {
    const { fullName } = type.$type;
    const { times = 1, at = 'after', error = new Error(`the test asked the handler of ${fullName} to fail`) } = fault;
    this.planned.set(fullName, { left: times, error, at });
  }

  /** The definition with handlers that fail as planned. */
  instrument(definition: AppDefinition): AppDefinition {
    return { ...definition, messageHandlers: definition.messageHandlers.map((handler) => this.wrap(handler)) };
  }

  private wrap(handler: Handler): Handler {
    return {
      ...handler,
      call: (message, state, event) => {
        const fault = this.take(message);
        if (fault?.at === 'before') throw fault.error;
        const result = handler.call(message, state, event);
        if (fault === undefined) return result;
        if (result instanceof Promise) return result.then(() => Promise.reject(fault.error as Error));
        throw fault.error;
      },
    };
  }

  private take(message: MessageView): Planned | undefined {
    const fault = this.planned.get(message.$type.fullName);
    if (fault === undefined || fault.left <= 0) return undefined;
    fault.left--;
    return fault;
  }
}
