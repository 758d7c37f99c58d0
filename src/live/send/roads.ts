// Which road a run gets. `auto` is the fastest that this machine has; a named one is taken or refused with a sentence.

import { VxlabError } from '../../core/wire/numbers.ts';
import { loadLibc } from '../kernel/libc.ts';
import { DatagramRoad } from './datagram-road.ts';
import type { DatagramTarget } from './datagram-target.ts';
import { HeadersRoad } from './headers-road.ts';
import { InjectRoad } from './inject-road.ts';
import type { SendInterface } from './interface.ts';
import { PacketRoad } from './packet-road.ts';
import { RawRoad } from './raw-road.ts';
import type { Means, Road } from './road.ts';

/** @throws VxlabError BACKEND_MISSING, BACKEND_REFUSED, BAD_VTEP for a backend that sends no frames */
export async function openFrameRoad(iface: SendInterface, means: Means | 'auto'): Promise<Road> {
  if (means === 'udp' || means === 'raw') {
    throw new VxlabError(
      'BAD_VTEP',
      `--backend ${means} sends datagrams: onto an interface it is batch or cap`,
    );
  }
  if (means === 'batch') return new PacketRoad(iface);
  if (means === 'cap' || !hasKoffi()) return injected(iface, means === 'auto');
  return new PacketRoad(iface);
}

/** @throws VxlabError BACKEND_MISSING, BACKEND_REFUSED, BAD_VTEP for what a backend cannot do; as the roads' own */
export async function openDatagramRoad(target: DatagramTarget, means: Means | 'auto'): Promise<Road> {
  const { config, recordedPorts } = target;
  if (means === 'cap') {
    throw new VxlabError(
      'BAD_VTEP',
      '--backend cap sends frames onto an interface: datagrams go by batch, raw or udp',
    );
  }
  const root = process.getuid?.() === 0;
  if (means === 'batch' || (means === 'auto' && root && hasKoffi())) return new HeadersRoad(target);
  if (means === 'raw') return RawRoad.open(target);
  if (recordedPorts || config.tos !== 0 || !config.dontFragment) {
    throw new VxlabError(
      means === 'udp' ? 'BAD_VTEP' : 'BACKEND_MISSING',
      '--source-port recorded, --tos and --no-df need headers of our own: --backend batch or raw, as root',
    );
  }
  return DatagramRoad.open(target);
}

async function injected(iface: SendInterface, either: boolean): Promise<Road> {
  try {
    return await InjectRoad.open(iface);
  } catch (error) {
    if (!either || !(error instanceof VxlabError) || error.code !== 'BACKEND_MISSING') throw error;
    throw new VxlabError(
      'BACKEND_MISSING',
      `sending onto ${iface.name} needs one of the optional packages koffi and cap, and neither is here: npm install koffi`,
    );
  }
}

function hasKoffi(): boolean {
  try {
    loadLibc('the batch backend', 'BACKEND_MISSING');
    return true;
  } catch {
    return false;
  }
}
