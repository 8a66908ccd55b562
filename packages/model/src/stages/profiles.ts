import { type ConfigNode, childNamed, codeOrigin, itemNameOf, markOrigin } from '../config-node.js';
import { type ProblemList } from '../problems.js';
import { MODEL } from '../shape/root.js';
import { mergeObject } from './merge.js';

/** M1: merges the asked profiles over the model, in the order in which they are asked for, and takes `profiles` away. */
export function mergeProfiles(root: ConfigNode, asked: readonly string[], problems: ProblemList): ConfigNode {
  const profiles = childNamed(root, 'profiles')?.children ?? [];
  let merged: ConfigNode = { ...root, children: root.children.filter((child) => child.name !== 'profiles') };
  for (const name of asked) {
    const profile = profiles.find((candidate) => itemNameOf(candidate) === name);
    if (profile === undefined) {
      const known = profiles.map(itemNameOf).filter((other) => other !== undefined);
      const at = { origin: codeOrigin('profiles'), path: 'model.profiles' };
      problems.addUnknown('AEP_MODEL_PROFILE_UNKNOWN', at, 'there is no profile', { wrong: name, known });
      continue;
    }
    const parts = { ...profile, children: profile.children.filter((child) => child.name !== 'name') };
    merged = mergeObject(MODEL, merged, markOrigin(parts, { profile: name }));
  }
  return merged;
}
