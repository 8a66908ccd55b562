import assert from 'node:assert/strict';
import { AepError } from '@aep/kernel';

/** For `assert.throws` and `assert.rejects`: the code, and pieces that the message must have, in this order. */
export function says(code: string, ...pieces: readonly string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AepError, String(error));
    assert.equal(error.code, code, error.message);
    let from = 0;
    for (const piece of pieces) {
      const at = error.message.indexOf(piece, from);
      assert.ok(at >= 0, `"${piece}" is not (or not in this place) in:\n${error.message}`);
      from = at + piece.length;
    }
    return true;
  };
}
