// One packet onto an interface, once or often: what `vxlab craft --send` made.

import { Held } from '../../live/send/held.ts';
import { NO_PORT } from '../../live/send/road.ts';
import { sendClock } from '../../live/send/send-clock.ts';
import type { SendReport } from '../../live/send/send-report.ts';
import { reportOf } from '../../live/send/send-report.ts';
import { Sender } from '../../live/send/sender.ts';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { Progress } from '../progress.ts';
import { openPlace } from './place.ts';
import type { SpeedArguments } from './speed.ts';
import { paceOf } from './speed.ts';
import { soFar, tellSent } from './tell.ts';

/** Copies that are held at a time. */
const AT_A_TIME = 256;

export interface CopiesArguments extends SpeedArguments {
  readonly send: string;
  readonly count: number;
}

/**
 * Sends a packet so often, as fast as it goes unless a rate is given, and says what became of it.
 * @param ethernet whether it begins with an Ethernet header, else with IP
 * @throws VxlabError USAGE for a packet that the interface does not take; as the roads' opening
 */
export async function sendCopies(
  io: Io,
  bytes: Uint8Array,
  ethernet: boolean,
  given: CopiesArguments,
): Promise<SendReport> {
  const pace = paceOf(given, { kind: 'top' });
  const place = await openPlace({ dev: given.send, backend: 'auto', df: true });
  const progress = new Progress(io);
  const sender = new Sender(place.road, pace, sendClock, {
    progress: () => progress.say(() => soFar(sender)),
  });
  try {
    if (ethernet !== (place.begins === 'ethernet')) {
      const wanted = ethernet ? 'IP packets: leave out --ether' : 'Ethernet frames: begin with --ether';
      throw usage(`${given.send} takes ${wanted}`);
    }
    const held = new Held();
    for (let left = given.count; left > 0 && !sender.done && !io.signal.aborted; left -= AT_A_TIME) {
      for (let i = Math.min(left, AT_A_TIME); i > 0; i--) {
        // `held.bytes` may be another array when there is room.
        const at = held.add(bytes.length, -1, 0, NO_PORT);
        held.bytes.set(bytes, at);
      }
      await sender.send(held, io.signal);
    }
    await sender.settle();
    progress.end();
    const report = reportOf(sender, null);
    tellSent(io, report, place.words, place.road.room);
    if (place.road.broken !== null) throw place.road.broken;
    return report;
  } finally {
    progress.end();
    await place.road.close();
  }
}
