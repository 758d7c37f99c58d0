// `--attach NAME`: an interface that is there is opened by packet sockets, a TAP device by its file; a name that nothing has makes a
// TAP device.

import { existsSync } from 'node:fs';
import { loadLibc } from '../kernel/libc.ts';
import type { Attachment } from './attachment.ts';
import { PacketSocket } from './packet-socket.ts';
import type { PortSite } from './tap-device.ts';
import { TapDevice } from './tap-device.ts';

/** @throws VxlabError ATTACH_MISSING, ATTACH_REFUSED saying what is missing or who refused */
export function attach(name: string, mtu: number, site: PortSite): Attachment {
  const libc = loadLibc('--attach', 'ATTACH_MISSING');
  const device = `/sys/class/net/${name}`;
  const packets = existsSync(device) && !existsSync(`${device}/tun_flags`);
  return packets ? new PacketSocket(libc, name, mtu, site) : new TapDevice(libc, name, mtu, site);
}
