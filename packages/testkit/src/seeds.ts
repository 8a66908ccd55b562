import { AepError, SeededRandom, toError } from '@aep/kernel';

export interface SeedOptions {
  /** How many seeds. @default 100 */
  readonly seeds?: number;
  /** The first one; the others follow it. @default 1 */
  readonly first?: number;
}

/**
 * Runs a random test with one seed after another. A failure names its seed and the command that runs it alone: with
 * `AEP_SEED` in the environment only that seed is run.
 *
 * @throws AEP_TEST_SEED_FAILED with the test's error as its cause, AEP_TEST_SEED_INVALID
 */
export async function forEachSeed(
  options: SeedOptions,
  run: (seed: number, random: SeededRandom) => Promise<void> | void,
): Promise<void> {
  const { seeds, first } = conclude(options);
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      await run(seed, new SeededRandom(seed));
    } catch (thrown) {
      throw failed(seed, thrown);
    }
  }
}

function conclude({ seeds = 100, first = 1 }: SeedOptions): Required<SeedOptions> {
  check('seeds', seeds, 1);
  check('first', first, 0);
  const text = process.env.AEP_SEED;
  if (text === undefined || text.trim() === '') return { seeds, first };
  const only = Number(text);
  check('the environment variable AEP_SEED', only, 0, text);
  return { seeds: 1, first: only };
}

function check(name: string, value: number, least: number, text = String(value)): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new AepError('AEP_TEST_SEED_INVALID', 'reject', `${name}: expected an integer from ${least}, got "${text}"`, {
    name,
    value: text,
  });
}

function failed(seed: number, thrown: unknown): AepError {
  const file = process.argv[1] ?? 'the test file';
  return new AepError(
    'AEP_TEST_SEED_FAILED',
    'reject',
    `seed ${seed}: ${toError(thrown).message}\nrun it alone: AEP_SEED=${seed} node --test ${file}`,
    { seed },
    thrown,
  );
}
