import { compileKeyTemplate, PatternMatcher } from '@aep/bus';
import { SeededRandom } from '@aep/kernel';
import type { BenchmarkCase } from '../case.js';
import { Order } from '../gen/trade.js';
import { nanosecondsOf, rounded } from '../micro.js';
import { encodedOrders } from '../orders.js';

export const keyCases: readonly BenchmarkCase[] = [
  {
    name: 'keys/resolve-3',
    title: 'resolve a dynamic key of three variables from fields that were read before (E84)',
    durability: 'none',
    run: async ({ scale }) => {
      const resolver = compileKeyTemplate('Orders/${region}/${department}/${symbol}', { channel: 'bench' }).bind(
        Order.$type,
      );
      const order = Order.wrap(encodedOrders(1)[0]!);
      const perCallNs = await nanosecondsOf(() => resolver.resolve(order), scale);
      return {
        figures: [{ name: 'resolutions', value: rounded(1000 / perCallNs), unit: 'M/s', goal: { atLeast: 3 } }],
        ratios: [],
      };
    },
  },
  {
    name: 'keys/match-10000',
    title: 'find the subscribers of a key among 10,000 subscriptions, against 10 of them',
    durability: 'none',
    run: async ({ scale }) => {
      const many = await matchNs(10_000, scale);
      const few = await matchNs(10, scale);
      return {
        figures: [
          { name: '10,000 subscriptions', value: rounded(many), unit: 'ns' },
          { name: '10 subscriptions', value: rounded(few), unit: 'ns' },
        ],
        // A scan would take a thousand times as long.
        ratios: [{ name: 'time', value: rounded(many / few), against: '10 subscriptions', goal: { atMost: 20 } }],
      };
    },
  },
];

async function matchNs(subscriptions: number, scale: number): Promise<number> {
  // One remembered answer: the trie is measured, not the memory of recent keys.
  const matcher = new PatternMatcher<number>(1);
  for (let index = 0; index < subscriptions; index++)
    matcher.add(`Orders/region-${index % 100}/dept-${index}/*`, index);
  const random = new SeededRandom(1);
  const keys = Array.from({ length: 1024 }, () => {
    const index = random.below(subscriptions);
    return `Orders/region-${index % 100}/dept-${index}/SYM1`;
  });
  let at = 0;
  return await nanosecondsOf(() => matcher.match(keys[at++ & 1023]!).length, scale);
}
