import { AepError } from '@aep/kernel';
import type { StompHeaders } from './stomp-frame.js';

const SHOWN_MAX = 300;

/** The other side does not speak STOMP as it should: this connection ends. */
export function protocolError(why: string): AepError {
  return new AepError('AEP_STOMP_PROTOCOL', 'retry', `the broker broke the STOMP protocol: ${why}`);
}

/** What the broker says in an ERROR frame, as an error of ours. Its body is a stack trace of the broker's and is not shown. */
export function brokerError(headers: StompHeaders, isConnecting: boolean): AepError {
  const said = shown(headers['message'] ?? 'no reason given');
  if (/already connected/i.test(said) || /InvalidClientID/.test(said)) {
    return new AepError(
      'AEP_STOMP_CLIENT_ID_IN_USE',
      'retry',
      `another connection has this client id: an earlier one that the broker has not given up yet, or the app runs twice: ${said}`,
    );
  }
  if (isConnecting && /password|credential|authenticat|login|security/i.test(said)) {
    return new AepError(
      'AEP_STOMP_REFUSED',
      'reject',
      `the broker refuses user or password (properties "user", "password", "passwordEnv"): ${said}`,
    );
  }
  if (/not authorized|unauthorized|not allowed|AMQ229032/i.test(said)) {
    return new AepError('AEP_STOMP_NOT_AUTHORIZED', 'reject', `the broker does not allow it: ${said}`);
  }
  if (/usage manager|store is full|memory limit|no space|resource.?allocation|temp.* full/i.test(said)) {
    return new AepError('AEP_STOMP_BROKER_FULL', 'retry', `the broker has no room for messages: ${said}`);
  }
  return new AepError('AEP_STOMP_BROKER_ERROR', 'retry', `the broker answers with an error: ${said}`);
}

/** What comes from outside is shown, but never trusted to be short or printable. */
function shown(text: string): string {
  return text.slice(0, SHOWN_MAX).replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
}
