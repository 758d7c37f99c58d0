// How a socket finds its peer: the name is looked up, then each address is tried in turn, families alternating, every
// one but the last for 250 ms (Node's autoSelectFamily; RFC 8305 in its simplest form).

import type { AsyncResource } from 'node:async_hooks';
import type { TcpError } from '../../engine/host/tcp/socket.ts';
import type { TimerId, TimerTarget } from '../../engine/time/clock.ts';
import type { Recipient } from '../inbox.ts';
import type { Site } from '../site.ts';
import { addressInfo, ipOf } from './addresses.ts';
import type { ConnectTo } from './arguments.ts';
import { familyOf } from './arguments.ts';
import { codeOf, peerError } from './errors.ts';
import { Finding } from './find.ts';
import type { WireHolder } from './wire.ts';
import { Wire } from './wire.ts';

const PATIENCE = 250_000_000;

/** Who wants to be connected. */
export interface Dialing {
  readonly scope: AsyncResource;
  lookedUp(error: Error | null, address: string, family: number, host: string): void;
  tries(address: string, port: number): void;
  dialed(wire: Wire): void;
  notDialed(error: Error): void;
}

interface Candidate {
  readonly address: string;
  readonly family: number;
}

export class Dial implements WireHolder, TimerTarget, Recipient {
  readonly #site: Site;
  readonly #to: ConnectTo;
  readonly #host: string;
  readonly #dialing: Dialing;
  #finding: Finding | null = null;
  #left: Candidate[] = [];
  readonly #errors: Error[] = [];
  #several = false;
  #wire: Wire | null = null;
  #trying = '';
  #timer: TimerId = 0;
  #round = 0;
  #done = false;

  constructor(site: Site, to: ConnectTo, dialing: Dialing) {
    this.#site = site;
    this.#to = to;
    this.#host = to.host === undefined || to.host === '' ? 'localhost' : to.host;
    this.#dialing = dialing;
  }

  get scope(): AsyncResource {
    return this.#dialing.scope;
  }

  start(): void {
    const host = this.#host;
    const ip = ipOf(host);
    if (ip !== null) return this.#try([{ address: host, family: typeof ip === 'number' ? 4 : 6 }]);
    const family = familyOf(this.#to.family);
    const { lookup } = this.#to;
    if (lookup === undefined) {
      this.#finding = new Finding(this.#site, this.scope, host, family, (error, addresses) => {
        if (error !== null) return this.#unknown(error);
        this.#known(
          addresses.map((found) => ({
            address: addressInfo(found, 0, false).address,
            family: typeof found === 'number' ? 4 : 6,
          })),
        );
      });
      return;
    }
    lookup(host, { family, all: true, hints: 0 }, (error, found, kind) => {
      if (this.#done) return;
      const list = Array.isArray(found)
        ? found
        : [{ address: found, family: kind ?? (ipOf(found) === null ? 0 : 4) }];
      if (error !== null) this.#unknown(error);
      else this.#known(list);
    });
  }

  /** Gives up without a word. */
  cancel(): void {
    this.#done = true;
    this.#finding?.drop();
    this.#site.timers.cancel(this.#timer);
    this.#wire?.release();
    this.#wire = null;
  }

  deliver(round: number): void {
    if (this.#done || round !== this.#round || this.#wire === null) return;
    this.#wire.release();
    this.#failed('ETIMEDOUT');
  }

  fire(round: number): void {
    this.#timer = 0;
    this.#site.inbox.post(this, round);
  }

  wireConnected(wire: Wire): void {
    this.#site.timers.cancel(this.#timer);
    this.#done = true;
    this.#dialing.dialed(wire);
  }

  wireReadable(): void {}

  wireWritable(): void {}

  wireClosed(_wire: Wire, error: TcpError | null): void {
    this.#site.timers.cancel(this.#timer);
    this.#failed(error ?? 'ECONNRESET');
  }

  #unknown(error: Error): void {
    this.#done = true;
    this.#dialing.lookedUp(error, '', 0, this.#host);
    this.#dialing.notDialed(error);
  }

  #known(found: readonly Candidate[]): void {
    for (const { address, family } of found) {
      if (!this.#done) this.#dialing.lookedUp(null, address, family, this.#host);
    }
    if (!this.#done) this.#try(alternating(found));
  }

  #try(list: Candidate[]): void {
    this.#several = list.length > 1;
    this.#left = list;
    this.#next();
  }

  #next(): void {
    const candidate = this.#left.shift();
    if (candidate === undefined) {
      this.#done = true;
      return this.#dialing.notDialed(this.#several ? together(this.#errors) : (this.#errors[0] as Error));
    }
    const { localAddress, localPort } = this.#to;
    const local = localAddress === undefined ? null : ipOf(localAddress);
    const port = Number(this.#to.port);
    this.#trying = candidate.address;
    this.#dialing.tries(candidate.address, port);
    const ip = ipOf(candidate.address);
    const wire = new Wire(this.#site.inbox, this);
    this.#wire = wire;
    if (ip === null) return this.#failed('EINVAL');
    try {
      this.#site.enter();
      wire.tcp = this.#site.tcp.connect(ip, port, wire, {
        ...(local === null ? {} : { localIp: local }),
        ...(localPort === undefined ? {} : { localPort }),
      });
    } catch (error) {
      return this.#failed(codeOf(error));
    }
    if (this.#left.length > 0) {
      this.#timer = this.#site.timers.at(this.#site.clock.now + PATIENCE, this, ++this.#round);
    }
  }

  #failed(code: string): void {
    const { localAddress, localPort } = this.#to;
    // The system says at once that there is no way, before the socket has an address; Node then tells that it has none.
    const unbound = code === 'ENETUNREACH' ? (this.#trying.includes(':') ? ':::0' : '0.0.0.0:0') : null;
    const asked =
      localAddress !== undefined && localPort !== undefined ? `${localAddress}:${localPort}` : null;
    const error = peerError(code, 'connect', this.#trying, Number(this.#to.port), asked ?? unbound);
    if (asked !== null) Object.assign(error, { localAddress, localPort });
    this.#errors.push(error);
    this.#wire = null;
    this.#next();
  }
}

/** The first's family, then the other's first, and so on. */
function alternating(found: readonly Candidate[]): Candidate[] {
  const first = found[0]?.family;
  const mine = found.filter(({ family }) => family === first);
  const others = found.filter(({ family }) => family !== first);
  return mine.flatMap((one, i) => [one, ...others.slice(i, i + 1)]).concat(others.slice(mine.length));
}

function together(errors: Error[]): Error {
  const error = new AggregateError(errors, '');
  return Object.assign(error, { code: (errors[0] as { code?: string }).code });
}
