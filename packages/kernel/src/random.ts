/** Chance, passed in by constructor. */
export interface Random {
  /** An unsigned 32-bit integer. */
  uint32(): number;
  /** A float in [0, 1) with 53 random bits. */
  float(): number;
  /** An integer in [0, bound). */
  below(bound: number): number;
}

/**
 * xoshiro128** 1.1 (Blackman and Vigna 2018), seeded through splitmix32. Equal seeds give equal sequences on every
 * machine. Not for secrets.
 */
export class SeededRandom implements Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number) {
    let state = seed >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      return (z ^ (z >>> 15)) | 0;
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1; // the all-zero state is the one that the generator never leaves
  }

  uint32(): number {
    const product = Math.imul(this.b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result >>> 0;
  }

  float(): number {
    return ((this.uint32() >>> 5) * 67_108_864 + (this.uint32() >>> 6)) / 9_007_199_254_740_992;
  }

  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  /** A generator of its own for one component, so that one component's use of chance does not shift another's. */
  split(): SeededRandom {
    return new SeededRandom(this.uint32());
  }
}

/** A generator seeded by the operating system, for production. */
export function systemRandom(): Random {
  return new SeededRandom(crypto.getRandomValues(new Uint32Array(1))[0]!);
}
