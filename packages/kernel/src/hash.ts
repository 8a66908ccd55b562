/**
 * The 32-bit FNV-1a hash of a string's UTF-16 code units (Fowler, Noll, Vo). Stable across versions: sender ids (E50) and
 * the shard function of channel keys (E80) are made with it.
 */
export function hashString(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  // FNV's low bits are weak on short strings; murmur3's finaliser spreads them for `hash % shards`.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
