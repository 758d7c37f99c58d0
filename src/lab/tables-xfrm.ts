// Security associations of encrypted networks on each node, as `ip xfrm state` has them.

import { formatIp } from '../core/wire/address.ts';
import type { InState, OutState } from '../engine/host/esp/state.ts';
import type { World } from '../engine/orchestrate/world.ts';

export interface XfrmRow {
  readonly node: string;
  /** Whether the node seals with it or opens with it. */
  readonly direction: 'out' | 'in';
  readonly src: string;
  readonly dst: string;
  /** `0x` and eight digits. */
  readonly spi: string;
  /** AES key and salt in hex: in a lab they are no secret. */
  readonly key: string;
  /** Bits. */
  readonly icv: number;
  /** The last sequence number sent, or the highest that came; 0 for none. */
  readonly sequence: number;
  /** Numbers that are remembered; 0 where none are, and for what is sent. */
  readonly replayWindow: number;
  readonly packets: number;
  readonly bytes: number;
  /** Refused: came before; changed, or sealed with another key. */
  readonly replayed: number;
  readonly forged: number;
}

export function xfrmRows(world: World): XfrmRow[] {
  const rows: XfrmRow[] = [];
  for (const { name } of world.nodes.values()) {
    const esp = world.encryption?.at(name);
    for (const state of esp?.outbound ?? []) {
      const { sequence } = state;
      rows.push({ ...common(name, 'out', state), sequence, replayWindow: 0, replayed: 0, forged: 0 });
    }
    for (const state of esp?.inbound ?? []) {
      const { window, replayed, forged } = state;
      const sequence = window.highest;
      rows.push({ ...common(name, 'in', state), sequence, replayWindow: window.size, replayed, forged });
    }
  }
  return rows;
}

type Common = Omit<XfrmRow, 'sequence' | 'replayWindow' | 'replayed' | 'forged'>;

function common(node: string, direction: 'out' | 'in', state: OutState | InState): Common {
  const { src, dst, spi, key, salt, icvLength } = state.association;
  return {
    node,
    direction,
    src: formatIp(src),
    dst: formatIp(dst),
    spi: `0x${spi.toString(16).padStart(8, '0')}`,
    key: `0x${hex(key)}${hex(salt)}`,
    icv: icvLength * 8,
    packets: state.packets,
    bytes: state.bytes,
  };
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
