import assert from 'node:assert/strict';
import { AepError } from '@aep/kernel';

/** For `assert.throws` and `assert.rejects`. */
export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AepError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}
