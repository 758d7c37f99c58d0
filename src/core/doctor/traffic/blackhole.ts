// TCP data that is sent again and again in large packets while small ones of the same connection pass: the path takes
// less than the sender believes, and does not tell. RFC 2923 s.2.1; RFC 1191, RFC 8201.

import type { Advice } from '../finding.ts';
import { finding } from '../finding.ts';
import type { Finding } from '../rule.ts';
import type { Side } from './stream.ts';

/** Bytes of an IP packet below which size is not the reason: every host takes that much (RFC 791 s.3.1). */
const SIZE_MIN = 576;
/** Times that data must have been sent again for the other side's silence to mean something. */
const AGAIN_MIN = 2;
/** Times from which nothing but the size explains it while the other side is alive. */
const AGAIN_SURE = 3;

export const BLACK_HOLE: Advice = {
  code: 'MTU-BLACK-HOLE',
  explain:
    'Small packets arrive and large ones do not: somewhere on the path the MTU is smaller than the sender believes, and the ICMP error that should tell it (RFC 1191, RFC 8201) is not sent or does not arrive. The handshake and small requests work, large answers hang (RFC 2923 s.2.1). A tunnel makes it likely: its headers add 50 bytes over IPv4 and 70 over IPv6.',
  cure: 'Set the MTU inside the overlay to what the underlay carries less the tunnel headers (1450 over 1500), or raise the underlay to 1550 or more; let ICMP "fragmentation needed" and "packet too big" pass firewalls; clamp the MSS as a stopgap.',
};

/** What one side of a connection proves, or null. `other` is the side that should have acknowledged. */
export function blackHole(name: string, side: Side, other: Side): Finding | null {
  if (side.shrunkFrom >= SIZE_MIN && side.stuck !== null) {
    const title = `${name}: packets of ${side.shrunkFrom} bytes do not arrive, the same data in ${side.shrunkTo} bytes does (${told(side)})`;
    return finding(BLACK_HOLE, 'error', title, side.stuck);
  }
  const size = side.stuckSize;
  if (side.stuckTimes < AGAIN_MIN || size < SIZE_MIN || side.stuck === null) return null;
  // Without a small packet that passed, the other end may be gone altogether.
  if (side.passed === 0 || size <= side.passed) return null;
  const alive = ((other.lastTime - side.stuckSince) | 0) > 0;
  const sure = (alive && side.stuckTimes >= AGAIN_SURE) || side.tooBig >= 0;
  const title = `${name}: packets of ${size} bytes do not arrive, of ${side.passed} bytes they do (${told(side)})`;
  const doubt = alive ? '' : 'The other end was silent meanwhile, so it may also have gone away.';
  return finding(BLACK_HOLE, sure ? 'error' : 'warning', title, side.stuck, doubt);
}

function told(side: Side): string {
  const df = side.stuckDontFragment ? 'DF set' : 'DF clear';
  if (side.tooBig < 0) return `${df}, no ICMP too-big seen`;
  return `${df}, ICMP too-big seen${side.tooBig > 0 ? ` with MTU ${side.tooBig}` : ''} and not heeded`;
}
