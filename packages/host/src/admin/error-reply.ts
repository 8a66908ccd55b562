import { AepError, toError } from '@aep/kernel';

/** An error as it goes over HTTP. */
export interface ErrorReply {
  readonly status: number;
  readonly body: { readonly code: string; readonly message: string; readonly advice: string; readonly facts: unknown };
}

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  AEP_ADMIN_UNAUTHORIZED: 401,
  AEP_ADMIN_HOST_REFUSED: 403,
  AEP_ADMIN_ORIGIN_REFUSED: 403,
  AEP_ADMIN_ROUTE_UNKNOWN: 404,
  AEP_APP_UNKNOWN: 404,
  AEP_NO_GROUP: 404,
  AEP_COMMAND_UNKNOWN: 404,
  AEP_DEAD_LETTER_UNKNOWN: 404,
  AEP_ENGINE_STATE: 409,
  AEP_SWITCH_TARGET: 409,
  AEP_ENGINE_STOPPED: 409,
  AEP_ADMIN_BODY_TOO_LARGE: 413,
  AEP_ADMIN_MEDIA_TYPE: 415,
  AEP_HANDLER_FAILED: 422,
};

const STATUS_BY_ADVICE = { reject: 400, retry: 503, fatal: 500 } as const;

/** What fastify itself refuses. */
const BY_FASTIFY_CODE: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'AEP_ADMIN_BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'AEP_ADMIN_MEDIA_TYPE',
  FST_ERR_NOT_FOUND: 'AEP_ADMIN_ROUTE_UNKNOWN',
};

/** Errors of ours keep code, advice and facts; anything else says nothing about the inside. */
export function errorReply(thrown: unknown): ErrorReply {
  const error = thrown instanceof AepError ? thrown : translated(thrown);
  const { code, message, advice, facts } = error.toJSON() as unknown as ErrorReply['body'];
  return { status: STATUS_BY_CODE[code] ?? STATUS_BY_ADVICE[error.advice], body: { code, message, advice, facts } };
}

function translated(thrown: unknown): AepError {
  const { statusCode = 500, code = '' } = thrown as { statusCode?: number; code?: string };
  if (statusCode < 400 || statusCode >= 500)
    return new AepError(
      'AEP_ADMIN_FAILED',
      'fatal',
      'the request failed inside the admin server; its log has more',
      {},
    );
  return new AepError(BY_FASTIFY_CODE[code] ?? 'AEP_ADMIN_REQUEST_INVALID', 'reject', toError(thrown).message, {});
}
