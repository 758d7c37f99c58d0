// An 802.1Q tag put into a frame and taken out of it where it stands: the two MAC addresses move by four bytes, the rest
// stays (IEEE 802.1Q s.9.3; Linux: __vlan_insert_inner_tag and __skb_vlan_pop). The frame must have one holder.
//
//   | destination | source | type ...           untagged
//   | destination | source | 8100 | TCI | type ...   tagged

import type { Frame } from '../../core/frame/frame.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { ETHERTYPE, VxlabError } from '../../core/wire/numbers.ts';
import * as vlan from '../../core/wire/vlan.ts';

/** The shortest frame that holds a whole tag. */
export const TAGGED_LEN: number = ethernet.HEADER_LEN + vlan.HEADER_LEN;

/**
 * The tag control information of a VLAN and a priority, drop eligible indicator off.
 * @throws VxlabError BAD_VID outside 1 to 4094 (0 stands for no VLAN, 4095 is reserved), BAD_PRIORITY outside 0 to 7
 */
export function tciOf(vid: number, priority: number): number {
  if (!Number.isInteger(vid) || vid < 1 || vid > 4094)
    throw new VxlabError('BAD_VID', `${vid} is not a VLAN id; they go from 1 to 4094`);
  if (!Number.isInteger(priority) || priority < 0 || priority > 7)
    throw new VxlabError('BAD_PRIORITY', `${priority} is not a priority code point; they go from 0 to 7`);
  return (priority << 13) | vid;
}

/** Puts a tag behind the addresses. The frame has at least an Ethernet header. */
export function pushTag(frame: Frame, tci: number): void {
  const view = frame.view;
  const at = frame.push(vlan.HEADER_LEN);
  view.setUint32(at, view.getUint32(at + 4));
  view.setUint32(at + 4, view.getUint32(at + 8));
  view.setUint32(at + 8, view.getUint32(at + 12));
  view.setUint16(at + 12, ETHERTYPE.vlan);
  view.setUint16(at + 14, tci);
}

/** Takes the first tag out, of whatever kind. The frame has at least TAGGED_LEN bytes. */
export function pullTag(frame: Frame): void {
  const view = frame.view;
  const at = frame.start;
  const hi = view.getUint32(at);
  const middle = view.getUint32(at + 4);
  const lo = view.getUint32(at + 8);
  frame.pull(vlan.HEADER_LEN);
  view.setUint32(at + 4, hi);
  view.setUint32(at + 8, middle);
  view.setUint32(at + 12, lo);
}

/** Takes every whole 802.1Q or 802.1ad tag out. */
export function stripTags(frame: Frame): void {
  while (frame.end - frame.start >= TAGGED_LEN && vlan.isTag(ethernet.etherType(frame.view, frame.start))) {
    pullTag(frame);
  }
}
