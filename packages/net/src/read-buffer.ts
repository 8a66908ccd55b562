/** An idle connection holds this much. */
const SLAB_BYTES_MIN = 65_536;
/** A connection on which much comes reads so much at once. */
const SLAB_BYTES_MAX = 1_048_576;

/**
 * The memory that a socket reads into. What comes next is put behind what came last, so a frame that comes in several pieces
 * lies in one place; and what is allocated is what has come, where Node.js takes 64 KiB for each read, be it for a few bytes.
 * Nothing is written twice, so whoever keeps a part of it keeps it unchanged.
 */
export class ReadBuffer {
  private slab = newSlab(SLAB_BYTES_MIN);
  private at = 0;

  /** Where the next bytes are to go. */
  room(): Uint8Array {
    if (this.slab.length - this.at < this.slab.length / 4) this.renew(this.slab.length);
    return this.slab.subarray(this.at);
  }

  /** So many bytes have been put into the room; answers them. */
  take(count: number): Uint8Array {
    const start = this.at;
    this.at += count;
    const taken = this.slab.subarray(start, this.at);
    // A read that filled all there was: more is waiting.
    if (this.at === this.slab.length) this.renew(Math.min(2 * this.slab.length, SLAB_BYTES_MAX));
    return taken;
  }

  private renew(bytes: number): void {
    this.slab = newSlab(bytes);
    this.at = 0;
  }
}

/** Not zeroed: only what has been read is ever handed out. Not from Node's pool, which would share it with strangers. */
function newSlab(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}
