import type { BusModel } from '@aep/model';
import { joinedChannels, type RosterApp } from './translate/roster.js';

/**
 * Groups of apps in the order in which they stop: who sends before who receives, so that what is on its way still finds
 * its receivers and is confirmed. An app sends on the channels of its buses that it names and does not join.
 *
 * Apps in a circle cannot be ordered: they stop one after the other, those with the fewest senders left first.
 */
export function stopGroups(buses: readonly BusModel[], apps: readonly RosterApp[]): string[][] {
  const waitsFor = sendersByApp(buses, apps);
  const groups: string[][] = [];
  while (waitsFor.size > 0) {
    const free = [...waitsFor].filter(([, senders]) => senders.size === 0).map(([name]) => name);
    const group = free.length > 0 ? free : [nearestToFree(waitsFor)];
    for (const name of group) waitsFor.delete(name);
    for (const senders of waitsFor.values()) for (const name of group) senders.delete(name);
    groups.push(group);
  }
  return groups;
}

function sendersByApp(buses: readonly BusModel[], apps: readonly RosterApp[]): Map<string, Set<string>> {
  const waitsFor = new Map(apps.map(({ model }) => [model.name, new Set<string>()]));
  for (const bus of buses) {
    const joins = apps.map((app) => ({
      app,
      joined: new Set(joinedChannels(bus, app).map(({ channel }) => channel.name)),
    }));
    for (const { app: sender, joined } of joins) {
      const use = sender.model.messaging.buses.find((candidate) => candidate.name === bus.name);
      const sends = (use?.channels ?? []).map(({ name }) => name).filter((name) => !joined.has(name));
      for (const { app: receiver, joined: received } of joins) {
        if (receiver !== sender && sends.some((name) => received.has(name)))
          waitsFor.get(receiver.model.name)!.add(sender.model.name);
      }
    }
  }
  return waitsFor;
}

function nearestToFree(waitsFor: ReadonlyMap<string, ReadonlySet<string>>): string {
  return [...waitsFor].reduce((best, candidate) => (candidate[1].size < best[1].size ? candidate : best))[0];
}
