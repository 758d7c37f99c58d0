// Plain packets of a pcap file counted record after record, and what another thread has counted added: the inner loops of
// core/survey/sweep.ts in AssemblyScript, which is compiled to WebAssembly. They run at its full speed from the first chunk on, where the same loop in JavaScript is interpreted
// for as long as a short file takes.
//
// The tests of core/dissect/plain.ts stand here a second time, and the look-up of core/survey/key-table.ts. Fields are compared
// in the file's byte order where that is enough: the constants are what a little-endian load makes of the bytes named beside
// them. Whatever is not usual ends the loop, and the reader hands that record on as a packet.

// Where things lie in the memory (core/survey/sweep-memory.ts).
/** 1 by UDP destination port that carried VXLAN. */
const SEEN: usize = 0;
/** CARRIES by UDP port. */
const CARRIES: usize = 0x1_0000;
/** The words of `Cell`. */
const CELLS: usize = 0x2_0000;
const CARRIES_VXLAN: u8 = 1;

// Cells: 32-bit words by number, then 64-bit floating-point numbers by byte.
const ROWS_AT: usize = CELLS;
const SLOTS_AT: usize = CELLS + 4;
const COUNT: usize = CELLS + 8;
const MOST: usize = CELLS + 12;
const MASK: usize = CELLS + 16;
const K1: usize = CELLS + 20;
const K2: usize = CELLS + 24;
const K3: usize = CELLS + 28;
const K4: usize = CELLS + 32;
const SECONDS: usize = CELLS + 36;
const PACKETS: usize = CELLS + 40;
const NANOS: usize = CELLS + 48;
const BYTES: usize = CELLS + 56;

/** A record's header. */
const HEAD: usize = 16;
/** As in core/dissect/plain.ts. */
const OUTER: u32 = 50;
const SHORTEST: u32 = 92;
const TAG: u32 = 4;
const GUESSED: u32 = 70;
const TCP: u32 = 6;
const UDP: u32 = 17;
const ICMP: u32 = 1;
/** 08 00 45: EtherType, and an IPv4 header of five words. */
const IP4_TYPE: u32 = 0x45_0008;
/** 08 06 00: EtherType, and the first byte of the hardware type. */
const ARP_TYPE: u32 = 0x00_0608;
/** LANE.arp. */
const LANE_ARP: u32 = 0x4_0000;

function be16(at: usize): u32 {
  return ((<u32>load<u8>(at)) << 8) | <u32>load<u8>(at, 1);
}

function be32(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

/** Two numbers of 32 bits that stand one behind the other: the first in the lower half. */
function pair(at: usize): u64 {
  return rotr<u64>(bswap<u64>(load<u64>(at)), 32);
}

function mix(word: u32, shift: u32, factor: u32): u32 {
  return (word ^ (word >>> shift)) * factor;
}

/** KeyTable's hash of a key whose words have been folded into four. */
function hashOf(a: u32, b: u32, c: u32, d: u32): u32 {
  const h =
    mix(a, 15, load<u32>(K1)) ^
    mix(b, 13, load<u32>(K2)) ^
    mix(c, 16, load<u32>(K3)) ^
    mix(d, 14, load<u32>(K4));
  return h ^ (h >>> 15) ^ (h >>> 7);
}

/** Twice as many slots for the rows that there are; answers the new mask. */
function double(count: u32, mask: u32): u32 {
  const rows: usize = load<u32>(ROWS_AT);
  const slots: usize = load<u32>(SLOTS_AT);
  const wider = (mask << 1) | 1;
  memory.fill(slots, 0, (<usize>wider + 1) << 2);
  for (let row: u32 = 0; row < count; row++) {
    const o = rows + ((<usize>row) << 6);
    const b = load<u32>(o, 4) ^ load<u32>(o, 16);
    const c = load<u32>(o, 8) ^ load<u32>(o, 20);
    const d = load<u32>(o, 12) ^ load<u32>(o, 24) ^ (load<u32>(o, 28) << 8);
    let at = hashOf(load<u32>(o), b, c, d) & wider;
    while (load<u32>(slots + ((<usize>at) << 2)) !== 0) at = (at + 1) & wider;
    store<u32>(slots + ((<usize>at) << 2), row + 1);
  }
  return wider;
}

/**
 * Counts the records that stand in [from, end); answers where it stopped.
 * @param unit nanoseconds in one unit of a time stamp's fraction
 */
export function records(from: usize, end: usize, unit: f64): usize {
  const rows: usize = load<u32>(ROWS_AT);
  const slots: usize = load<u32>(SLOTS_AT);
  const most = load<u32>(MOST);
  let mask = load<u32>(MASK);
  let room = min<u32>((mask >>> 1) + 1, most);
  let count = load<u32>(COUNT);
  let seconds = load<u32>(SECONDS);
  let nanos = load<f64>(NANOS);
  let packets: u32 = 0;
  let bytes: u64 = 0;
  let at = from;
  while (at + HEAD + SHORTEST <= end) {
    const p = at + HEAD;
    const nowSeconds = load<u32>(at);
    const nowNanos = <f64>load<u32>(at, 4) * unit;
    if (nowSeconds < seconds || (nowSeconds === seconds && nowNanos < nanos)) break;
    const length = load<u32>(at, 8);
    if (length < SHORTEST || length > <u32>(end - p) || load<u32>(at, 12) !== length) break;

    // Outer IPv4, no fragment (its flags' lower bits and offset), UDP, VXLAN with only I set.
    if ((load<u32>(p, 12) & 0xff_ffff) !== IP4_TYPE || be16(p + 16) !== length - 14) break;
    if ((load<u32>(p, 20) & 0xff00_ff3f) !== UDP << 24) break;
    const port = be16(p + 36);
    if (be16(p + 38) !== length - 34 || load<u8>(CARRIES + port) !== CARRIES_VXLAN) break;
    if (load<u32>(p, 42) !== 0x08) break;
    const vni = load<u32>(p, 46);
    if (vni >>> 24 !== 0) break;

    // The inner frame: 81 00 is a tag.
    let net = p + 64;
    if (load<u16>(p, 62) === 0x81) {
      if (length < SHORTEST + TAG) break;
      net += TAG;
    }
    const type = load<u32>(net - 2) & 0xff_ffff;
    let addresses: u64;
    let ports: u32 = 0;
    let network = bswap<u32>(vni);
    let mac = be16(p + 56);
    if (type === IP4_TYPE) {
      const word = load<u32>(net, 6);
      const total = be16(net + 2);
      if ((word & 0xff3f) !== 0 || total > length - <u32>(net - p) || total < 28) break;
      const protocol = word >>> 24;
      if (protocol === TCP) {
        const header = (<u32>load<u8>(net, 32) >>> 4) << 2;
        if (total < 40 || header < 20 || header > total - 20) break;
        ports = be32(net + 20);
      } else if (protocol === UDP) {
        ports = be32(net + 20);
        if (load<u8>(CARRIES + (ports & 0xffff)) !== 0 || load<u8>(CARRIES + (ports >>> 16)) !== 0) break;
        if (be16(net + 24) !== total - 20) break;
        if (total >= GUESSED) {
          const first = load<u32>(net, 28);
          if (first === 0x08 || (first & 0xb7ff) === 0x88) break;
        }
      } else if (protocol !== ICMP) break;
      network |= protocol;
      addresses = pair(net + 12);
    } else {
      // Ethernet and IPv4: 00 01 08 00 06 04.
      if (type !== ARP_TYPE || load<u32>(net) !== 0x0008_0100 || load<u16>(net, 4) !== 0x0406) break;
      addresses = ((<u64>be32(net + 24)) << 32) | <u64>be32(net + 14);
      mac |= LANE_ARP;
    }
    const vteps = pair(p + 26);
    const station = be32(p + 58);

    // The lane.
    const cd = ((<u64>network) << 32) | <u64>ports;
    const gh = ((<u64>mac) << 32) | <u64>station;
    let hash =
      hashOf(
        <u32>addresses,
        <u32>(addresses >>> 32) ^ <u32>vteps,
        ports ^ <u32>(vteps >>> 32),
        network ^ station ^ (mac << 8),
      ) & mask;
    let row = load<u32>(slots + ((<usize>hash) << 2));
    let o = rows + ((<usize>row - 1) << 6);
    while (
      row !== 0 &&
      (load<u64>(o) !== addresses ||
        load<u64>(o, 8) !== cd ||
        load<u64>(o, 16) !== vteps ||
        load<u64>(o, 24) !== gh)
    ) {
      hash = (hash + 1) & mask;
      row = load<u32>(slots + ((<usize>hash) << 2));
      o = rows + ((<usize>row - 1) << 6);
    }
    if (row === 0) {
      if (count === room) {
        if (room === most) break;
        // This packet is begun again: its place is another one now.
        mask = double(count, mask);
        room = min<u32>((mask >>> 1) + 1, most);
        continue;
      }
      o = rows + ((<usize>count) << 6);
      count++;
      store<u32>(slots + ((<usize>hash) << 2), count);
      store<u64>(o, addresses);
      store<u64>(o, cd, 8);
      store<u64>(o, vteps, 16);
      store<u64>(o, gh, 24);
    }
    store<u32>(o, load<u32>(o, 32) + 1, 32);
    store<u64>(o, load<u64>(o, 36) + (length - OUTER), 36);
    store<u64>(o, load<u64>(o, 44) + length, 44);
    store<u8>(SEEN + port, 1);
    seconds = nowSeconds;
    nanos = nowNanos;
    packets++;
    bytes += length;
    at = p + length;
  }
  store<u32>(COUNT, count);
  store<u32>(MASK, mask);
  store<u32>(SECONDS, seconds);
  store<u32>(PACKETS, packets);
  store<f64>(NANOS, nanos);
  store<f64>(BYTES, <f64>bytes);
  return at;
}

/**
 * Adds the lanes of rows in [from, end), counted elsewhere, to those that are here. Answers where it stopped: at `end`, or at a
 * lane that is new and has no room.
 */
export function merge(from: usize, end: usize): usize {
  const rows: usize = load<u32>(ROWS_AT);
  const slots: usize = load<u32>(SLOTS_AT);
  const most = load<u32>(MOST);
  let mask = load<u32>(MASK);
  let room = min<u32>((mask >>> 1) + 1, most);
  let count = load<u32>(COUNT);
  let at = from;
  while (at < end) {
    const ab = load<u64>(at);
    const cd = load<u64>(at, 8);
    const ef = load<u64>(at, 16);
    const gh = load<u64>(at, 24);
    let hash =
      hashOf(
        <u32>ab,
        <u32>(ab >>> 32) ^ <u32>ef,
        <u32>cd ^ <u32>(ef >>> 32),
        <u32>(cd >>> 32) ^ <u32>gh ^ ((<u32>(gh >>> 32)) << 8),
      ) & mask;
    let row = load<u32>(slots + ((<usize>hash) << 2));
    let o = rows + ((<usize>row - 1) << 6);
    while (
      row !== 0 &&
      (load<u64>(o) !== ab || load<u64>(o, 8) !== cd || load<u64>(o, 16) !== ef || load<u64>(o, 24) !== gh)
    ) {
      hash = (hash + 1) & mask;
      row = load<u32>(slots + ((<usize>hash) << 2));
      o = rows + ((<usize>row - 1) << 6);
    }
    if (row === 0) {
      if (count === room) {
        if (room === most) break;
        mask = double(count, mask);
        room = min<u32>((mask >>> 1) + 1, most);
        continue;
      }
      o = rows + ((<usize>count) << 6);
      count++;
      store<u32>(slots + ((<usize>hash) << 2), count);
      store<u64>(o, ab);
      store<u64>(o, cd, 8);
      store<u64>(o, ef, 16);
      store<u64>(o, gh, 24);
    }
    store<u32>(o, load<u32>(o, 32) + load<u32>(at, 32), 32);
    store<u64>(o, load<u64>(o, 36) + load<u64>(at, 36), 36);
    store<u64>(o, load<u64>(o, 44) + load<u64>(at, 44), 44);
    at += 64;
  }
  store<u32>(COUNT, count);
  store<u32>(MASK, mask);
  return at;
}
