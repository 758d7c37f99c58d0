// The lecture's stack told once: who runs where, who talks to whom, one packet, and what somebody on the wire reads.

import { Dissection } from '../core/dissect/layer.ts';
import { dissect, LINK_TYPE } from '../core/dissect/walk.ts';
import type { PacketTree } from '../core/inspect/tree.ts';
import { tree } from '../core/inspect/tree.ts';
import { VxlabError } from '../core/wire/numbers.ts';
import type { DatagramReceiver } from '../engine/host/udp.ts';
import type { StackSpec } from '../engine/model/spec.ts';
import { MILLISECOND, SECOND } from '../engine/time/clock.ts';
import type { LoggedFrame } from '../lab/capture.ts';
import { FrameLog } from '../lab/capture.ts';
import { Lab } from '../lab/lab.ts';
import type { Population, Totals } from '../lab/summary.ts';
import type { TrafficRow } from '../lab/traffic.ts';

/** What the application server asks the database. It stands for any line that somebody takes to be private. */
const SECRET = "SELECT name FROM customer WHERE card='4242-4242'";
const MYSQL_PORT = 3306;
const RUN = 2 * SECOND;

export interface Story extends Population, Totals {
  readonly stack: string;
  readonly profile: string;
  readonly traffic: readonly TrafficRow[];
  /** The frame that carries the secret over the underlay, as it left the sender's node. */
  readonly frame: LoggedFrame;
  readonly packet: PacketTree;
  /** Underlay frames seen in all. */
  readonly frames: number;
  readonly secret: {
    readonly text: string;
    readonly from: string;
    readonly to: string;
    readonly port: number;
    /** What arrived at the other end. */
    readonly received: string;
    /** Where an eavesdropper finds it: number of the frame, from 1, and offset in it in bytes. */
    readonly frame: number;
    readonly offset: number;
  };
}

/** @throws VxlabError NO_STORY for a stack without an application server and a database on two nodes */
export function tell(spec: StackSpec): Story {
  const log = new FrameLog();
  const lab = new Lab(spec, { capture: log });
  const { world } = lab.sim;
  const population = lab.population();
  const database = population.containers.find(({ service }) => service === 'mysql');
  const asker = population.containers.find(
    ({ service, node }) => service === 'appserver' && node !== database?.node,
  );
  if (database === undefined || asker === undefined) {
    throw new VxlabError('NO_STORY', 'the story needs an appserver and mysql on two nodes');
  }
  const traffic = lab.startTraffic({ until: RUN });
  lab.run(RUN);
  traffic.stop();

  const inbox = new Inbox();
  const from = world.party(asker.name);
  const to = world.party(database.name);
  to.host.udp.bind(MYSQL_PORT, inbox);
  const socket = from.host.udp.bind(0, inbox);
  socket.send(world.addressFor(from, database.name), MYSQL_PORT, Buffer.from(SECRET));
  lab.run(100 * MILLISECOND);

  const found = seek(log.frames, SECRET);
  const totals = lab.totals();
  const rows = traffic.rows();
  lab.close();
  if (found === null) throw new VxlabError('NO_STORY', 'the datagram did not cross the underlay');
  const { bytes } = found.frame;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const d = new Dissection();
  dissect(view, 0, bytes.length, LINK_TYPE.ethernet, d);
  return {
    ...population,
    ...totals,
    stack: spec.name,
    profile: world.plan.profile.name,
    traffic: rows,
    frame: found.frame,
    packet: tree(view, d),
    frames: log.frames.length,
    secret: {
      text: SECRET,
      from: asker.name,
      to: database.name,
      port: MYSQL_PORT,
      received: inbox.text,
      frame: found.frame.number,
      offset: found.offset,
    },
  };
}

/** The first frame that has the text in it, which is all that an eavesdropper does. */
function seek(frames: readonly LoggedFrame[], text: string): { frame: LoggedFrame; offset: number } | null {
  for (const frame of frames) {
    const offset = Buffer.from(frame.bytes).indexOf(text);
    if (offset >= 0) return { frame, offset };
  }
  return null;
}

class Inbox implements DatagramReceiver {
  text = '';

  datagram(frame: Parameters<DatagramReceiver['datagram']>[0], _ip: number, at: number, end: number): void {
    this.text += Buffer.from(frame.bytes.subarray(at, end)).toString('utf8');
    frame.release();
  }

  error(): void {}
}
