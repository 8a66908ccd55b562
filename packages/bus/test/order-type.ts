import type { FieldInfo, MessageType } from '@aep/messages';

/** What tests need of an order message: plain data with the field table that generated code would have. */
export interface OrderData {
  region?: string;
  department?: string;
  customer?: { region?: string; id?: bigint };
  state?: number;
  quantity?: number;
  note?: string;
  lines?: string[];
}

type Partial = Omit<FieldInfo, 'set' | 'jsonName' | 'number'>;

function field(name: string, kind: FieldInfo['kind'], extra: object = {}): Partial {
  const key = name as keyof OrderData;
  return {
    name,
    protoName: name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    kind,
    repeated: false,
    presence: false,
    get: (message) => (message as OrderData)[key] ?? (kind === 'string' ? '' : kind === 'message' ? {} : 0),
    has: (message) => {
      const value = (message as OrderData)[key];
      return value !== undefined && value !== '' && value !== 0;
    },
    ...extra,
  };
}

const customer = {
  fullName: 'shop.Customer',
  fields: [field('region', 'string'), field('id', 'int64', { get: (data: { id?: bigint }) => data.id ?? 0n })],
};

/** `shop.Order`, as far as channel keys look at it. */
export const orderType = {
  fullName: 'shop.Order',
  factoryId: 1,
  typeId: 1,
  fields: [
    field('region', 'string'),
    field('department', 'string'),
    field('customer', 'message', { presence: true, message: () => customer }),
    field('state', 'enum', {
      enumNames: new Map([
        [0, 'New'],
        [1, 'Amended'],
      ]),
    }),
    field('quantity', 'int32'),
    field('note', 'string', { presence: true }),
    field('orderLine', 'string'),
    field('lines', 'string', { repeated: true }),
  ],
} as unknown as MessageType;

/** The data, where a view is expected. */
export function order(data: OrderData): never {
  return data as never;
}
