// A frame of somebody's capture in a tunnel, as another conversation each round: the client's port and the last bytes of both
// addresses change with the round, those of one conversation alike.

const OUTER = 50;
const VNIS = 16;

/** Ethernet, IPv4, UDP and VXLAN in front of a copy of the frame. */
export function prependOuter(frame: Uint8Array, round: number): Uint8Array {
  const bytes = new Uint8Array(OUTER + frame.length);
  bytes.set(frame, OUTER);
  const view = new DataView(bytes.buffer);
  renumber(view, OUTER, round);
  view.setUint32(0, 0x0200_0000);
  view.setUint16(4, 2);
  view.setUint32(6, 0x0200_0000);
  view.setUint16(10, 1);
  view.setUint16(12, 0x0800);
  view.setUint16(14, 0x4500);
  view.setUint16(16, bytes.length - 14);
  view.setUint32(18, 0x0000_4000);
  view.setUint16(22, 0x4011);
  view.setUint32(26, 0xc000_020b);
  view.setUint32(30, 0xc000_020c);
  view.setUint16(34, 49_152 + (round & 0x3fff));
  view.setUint16(36, 4789);
  view.setUint16(38, bytes.length - 34);
  view.setUint32(42, 0x0800_0000);
  view.setUint32(46, (4096 + (round % VNIS)) << 8);
  return bytes;
}

/** Checksums are left as they are: none of those who read looks at them. */
function renumber(view: DataView, at: number, round: number): void {
  if (view.byteLength < at + 38 || view.getUint16(at + 12) !== 0x0800) return;
  const ip = at + 14;
  const isFirst = (view.getUint16(ip + 6) & 0x1fff) === 0;
  const protocol = view.getUint8(ip + 9);
  view.setUint16(ip + 12, 0x0a00 | ((round >>> 14) & 0xff));
  view.setUint16(ip + 16, 0x0a00 | ((round >>> 14) & 0xff));
  if (!isFirst || (protocol !== 6 && protocol !== 17)) return;
  const ports = ip + (view.getUint8(ip) & 15) * 4;
  if (view.byteLength < ports + 4) return;
  const [source, target] = [view.getUint16(ports), view.getUint16(ports + 2)];
  view.setUint16(
    source > target ? ports : ports + 2,
    32_768 + ((Math.max(source, target) + round * 31) & 0x7fff),
  );
}
