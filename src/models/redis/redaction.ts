/**
 * Which arguments of a request are secrets. Wherever a request outlives its run in readable form (MONITOR, the slow log) those are
 * replaced by REDACTED, as in Redis; where Redis redacts only once it has parsed so far, a secret is hidden here in any case.
 */
import type { Request } from '../../bytes/resp-request.ts';
import { DIRECTIVES } from './settings/directives.ts';

export const REDACTED = '(redacted)';

/** Names of settings whose values are secrets, in capitals. */
const SECRET_SETTINGS: readonly string[] = DIRECTIVES.filter(
  (directive) => directive.isSecret,
).flatMap(({ name, alias }) =>
  alias === undefined ? [name.toUpperCase()] : [name.toUpperCase(), alias.toUpperCase()],
);

/** Whether argument `i` of `request` is a secret. */
export function isSecret(request: Request, i: number): boolean {
  if (i === 0) return false;
  if (request.is(0, 'AUTH')) return true;
  if (request.is(0, 'HELLO')) return isHelloSecret(request, i);
  if (request.is(0, 'CONFIG')) {
    if (i < 3 || i % 2 === 0 || !request.is(1, 'SET')) return false;
    return SECRET_SETTINGS.some((name) => request.is(i - 1, name));
  }
  return i >= 2 && request.is(0, 'ACL') && request.is(1, 'SETUSER');
}

/** HELLO 3 AUTH user password SETNAME name: the two words behind AUTH, which is itself not a value of another option. */
function isHelloSecret(request: Request, i: number): boolean {
  for (let j = 2; j < request.count;) {
    if (request.is(j, 'AUTH')) {
      if (i === j + 1 || i === j + 2) return true;
      j += 3;
    } else {
      j += request.is(j, 'SETNAME') ? 2 : 1;
    }
  }
  return false;
}
