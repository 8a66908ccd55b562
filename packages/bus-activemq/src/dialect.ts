/** The headers in which brokers that speak STOMP differ. Pure: frames as text are in the tests. */
export interface Dialect {
  /** How many messages a broker that keeps to a prefetch gives at most before they are acknowledged. */
  messagesMax(prefetch: number): number;
  send(kind: 'topic' | 'queue', name: string): Record<string, string>;
  subscription(request: SubscriptionRequest): Record<string, string>;
  /** To a queue, so that it exists; no message is ever given to it. */
  emptySubscription(queue: string): Record<string, string>;
  /** Gives a durable subscription up; its connection has the client id. */
  removal(durableName: string): Record<string, string>;
}

export interface SubscriptionRequest {
  readonly kind: 'topic' | 'queue';
  readonly name: string;
  /** Messages given and not acknowledged. */
  readonly prefetch: number;
  /** The broker keeps messages for it while its connection is gone. */
  readonly durableName?: string | undefined;
  /** All messages go to one consumer, and to the next only when that is gone: the order outlives a takeover. */
  readonly isExclusive?: boolean | undefined;
  readonly selector?: string | undefined;
  /** Of a topic that nothing is kept for: messages that wait before the oldest is dropped. */
  readonly pendingMax?: number | undefined;
}

export function dialectOf(flavor: 'classic' | 'artemis'): Dialect {
  return flavor === 'classic' ? classic : artemis;
}

function headersOf(given: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Record<string, string>;
}

const classic: Dialect = {
  messagesMax: (prefetch) => prefetch,
  send: (kind, name) => ({ destination: `/${kind}/${name}` }),
  subscription: ({ kind, name, prefetch, durableName, isExclusive, selector, pendingMax }) =>
    headersOf({
      destination: `/${kind}/${name}`,
      ack: 'client-individual',
      'activemq.prefetchSize': String(prefetch),
      'activemq.subscriptionName': durableName,
      'activemq.exclusive': isExclusive === true ? 'true' : undefined,
      'activemq.maximumPendingMessageLimit': pendingMax === undefined ? undefined : String(pendingMax),
      selector,
    }),
  emptySubscription: (queue) => ({
    destination: `/queue/${queue}`,
    ack: 'client-individual',
    'activemq.prefetchSize': '0',
  }),
  removal: (durableName) => ({ id: durableName, 'activemq.subscriptionName': durableName }),
};

/**
 * Artemis takes addresses without a prefix unless its acceptor has one, asks for the routing type, and counts its window in bytes. It has
 * neither virtual topics nor exclusive consumers by header for STOMP.
 */
const artemis: Dialect = {
  // Its window is of bytes, and a message has some at least.
  messagesMax: (prefetch) => (prefetch * ARTEMIS_MESSAGE_BYTES) / ARTEMIS_MESSAGE_BYTES_MIN,
  send: (kind, name) => ({ destination: name, 'destination-type': kind === 'topic' ? 'MULTICAST' : 'ANYCAST' }),
  subscription: ({ kind, name, prefetch, durableName, selector }) =>
    headersOf({
      destination: name,
      'subscription-type': kind === 'topic' ? 'MULTICAST' : 'ANYCAST',
      ack: 'client-individual',
      'consumer-window-size': String(prefetch * ARTEMIS_MESSAGE_BYTES),
      'durable-subscription-name': durableName,
      selector,
    }),
  emptySubscription: (queue) => ({ destination: queue, 'subscription-type': 'ANYCAST', ack: 'client-individual' }),
  removal: (durableName) => ({ id: durableName, 'durable-subscription-name': durableName }),
};

/** What one message is taken to need in a window that counts bytes. */
const ARTEMIS_MESSAGE_BYTES = 1024;
const ARTEMIS_MESSAGE_BYTES_MIN = 16;
