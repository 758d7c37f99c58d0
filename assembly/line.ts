// The line of a plain packet as text, in AssemblyScript, which is compiled to WebAssembly: what `packetLine`
// (cli/render/packet.ts) says of it, character for character, some twenty times as fast.
//
// The tests of core/dissect/plain.ts stand here once more, then those for what needs more words than are here; a packet that
// fails one is left to `packetLine`. Numbers and addresses are put together from tables, four or eight bytes at a time: up to
// SPILL bytes behind a text may be overwritten by what is not part of it.

// Where things lie in the memory (cli/render/line-memory.ts, which fills the tables).
/** CARRIES by UDP port. */
const CARRIES: usize = 0;
/** By octet: its decimal text and a dot, four bytes; how long the digits are, four bytes. */
const OCTETS: usize = 0x1_0000;
/** By octet: two hex digits. */
const HEX: usize = 0x1_0800;
/** Words: 40 bytes of text, then their length. */
const LABELS: usize = 0x1_0a00;
const LABEL_BYTES: usize = 48;
const LABEL_LENGTH: usize = 40;
/** By nine flag bits of TCP: 56 bytes of text, then its length. */
const FLAGS: usize = 0x1_1000;
/** 0 to 9999 with zeros in front, four bytes each. */
const FOURS: usize = 0x1_9000;

// As LABELS of line-memory.ts.
const TO: usize = 0;
const OF_TCP: usize = 1;
const OF_UDP: usize = 2;
const OF_ICMP: usize = 3;
const OF_ARP: usize = 4;
const WHO_HAS: usize = 5;
const TELL: usize = 6;
const IS_AT: usize = 7;
const SEQ: usize = 8;
const ACK: usize = 9;
const WIN: usize = 10;
const LEN: usize = 11;
const BAD_TCP: usize = 12;
const BAD_UDP: usize = 13;
const TSVAL: usize = 14;
const TSECR: usize = 15;
const REQUEST: usize = 16;
const REPLY: usize = 17;
const ICMP_SEQ: usize = 18;
const ICMP_TTL: usize = 19;

const SPACE: u32 = 0x20;
const SPACES: u64 = (0x2020_2020 << 32) | 0x2020_2020;
const DOT: u32 = 0x2e;
const SLASH: u32 = 0x2f;
const COLON: u32 = 0x3a;
const NEWLINE: u32 = 0x0a;

// As in core/dissect/plain.ts; constants of several bytes are what a little-endian load makes of them.
const CARRIES_VXLAN: u8 = 1;
const OUTER: usize = 50;
const SHORTEST: u32 = 92;
const TAG: u32 = 4;
const GUESSED: u32 = 70;
const ICMP: u32 = 1;
const TCP: u32 = 6;
const UDP: u32 = 17;
/** 08 00 45: EtherType, and an IPv4 header of five words. */
const IP4_TYPE: u32 = 0x45_0008;
/** 08 06 00: EtherType, and the first byte of the hardware type. */
const ARP_TYPE: u32 = 0x00_0608;
const ARP_REPLY: u32 = 2;
const ECHO_REQUEST: u32 = 8;
const FLAG_ACK: u32 = 0x10;
const FLAG_URG: u32 = 0x20;
/** Two NOPs and a timestamp option (RFC 7323 app. A): 01 01 08 0a. */
const TIMESTAMPS: u32 = 0x0a08_0101;

function be16(at: usize): u32 {
  return ((<u32>load<u8>(at)) << 8) | <u32>load<u8>(at, 1);
}

function be32(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

function byte(out: usize, value: u32): usize {
  store<u8>(out, value);
  return out + 1;
}

function label(out: usize, which: usize): usize {
  const from = LABELS + which * LABEL_BYTES;
  const length = load<u32>(from, LABEL_LENGTH);
  store<u64>(out, load<u64>(from));
  if (length > 8) {
    store<u64>(out, load<u64>(from, 8), 8);
    store<u64>(out, load<u64>(from, 16), 16);
    store<u64>(out, load<u64>(from, 24), 24);
  }
  return out + length;
}

/** Digits of a number below 10,000. */
function fewDigits(value: u32): u32 {
  return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
}

function four(value: u32): u32 {
  return load<u32>(FOURS + ((<usize>value) << 2));
}

function decimal(out: usize, value: u32): usize {
  if (value < 10_000) {
    const digits = fewDigits(value);
    store<u32>(out, four(value) >>> ((4 - digits) << 3));
    return out + digits;
  }
  if (value < 100_000_000) {
    const upper = value / 10_000;
    const digits = fewDigits(upper);
    store<u32>(out, four(upper) >>> ((4 - digits) << 3));
    store<u32>(out + digits, four(value - upper * 10_000));
    return out + digits + 4;
  }
  const upper = value / 100_000_000;
  const digits = fewDigits(upper);
  store<u32>(out, four(upper) >>> ((4 - digits) << 3));
  return eightDigits(out + digits, value - upper * 100_000_000);
}

/** A number below 100,000,000 with zeros in front. */
function eightDigits(out: usize, value: u32): usize {
  const upper = value / 10_000;
  store<u32>(out, four(upper));
  store<u32>(out, four(value - upper * 10_000), 4);
  return out + 8;
}

/** A number below 100,000,000 in at least `width` characters, 8 at most: spaces in front. */
function right(out: usize, value: u32, width: u32): usize {
  const upper = value / 10_000;
  const digits = upper === 0 ? fewDigits(value) : fewDigits(upper) + 4;
  if (digits >= width) return decimal(out, value);
  store<u64>(out, SPACES);
  return decimal(out + (width - digits), value);
}

function octet(out: usize, value: u32): usize {
  const from = OCTETS + ((<usize>value) << 3);
  store<u32>(out, load<u32>(from));
  return out + load<u32>(from, 4) + 1;
}

/** The IPv4 address at a place. */
function ip4(out: usize, at: usize): usize {
  let end = octet(out, load<u8>(at));
  end = octet(end, load<u8>(at, 1));
  end = octet(end, load<u8>(at, 2));
  return octet(end, load<u8>(at, 3)) - 1;
}

function octetLength(at: usize): u32 {
  return load<u32>(OCTETS + ((<usize>load<u8>(at)) << 3), 4);
}

/** In at least twelve characters: spaces in front. */
function ip4Right(out: usize, at: usize): usize {
  const length = 3 + octetLength(at) + octetLength(at + 1) + octetLength(at + 2) + octetLength(at + 3);
  if (length >= 12) return ip4(out, at);
  store<u64>(out, SPACES);
  return ip4(out + (12 - length), at);
}

/** Likewise with the spaces behind. */
function ip4Left(out: usize, at: usize): usize {
  const end = ip4(out, at);
  if (end >= out + 12) return end;
  store<u64>(end, SPACES);
  return out + 12;
}

function hex(out: usize, value: u32): usize {
  store<u16>(out, load<u16>(HEX + ((<usize>value) << 1)));
  return out + 2;
}

function mac(out: usize, at: usize): usize {
  let end = out;
  for (let i: usize = 0; i < 6; i++) {
    end = hex(end, load<u8>(at + i));
    end = byte(end, COLON);
  }
  return end - 1;
}

function flags(out: usize, bits: u32): usize {
  const from = FLAGS + ((<usize>bits) << 6);
  const length: usize = load<u32>(from, 56);
  for (let i: usize = 0; i < length; i += 8) store<u64>(out + i, load<u64>(from + i));
  return out + length;
}

/** Whether the TCP or UDP checksum of so many bytes behind the header at `net` is right. */
function verified(net: usize, protocol: u32, length: u32): bool {
  let total: u64 = load<u32>(net, 12);
  total += load<u32>(net, 16);
  total += protocol << 8;
  total += ((length & 0xff) << 8) | (length >>> 8);
  let at = net + 20;
  const end = at + length;
  for (; at + 4 <= end; at += 4) total += load<u32>(at);
  if (at + 2 <= end) {
    total += load<u16>(at);
    at += 2;
  }
  if (at < end) total += load<u8>(at);
  total = (total & 0xffff_ffff) + (total >>> 32);
  total = (total & 0xffff) + ((total >>> 16) & 0xffff) + (total >>> 32);
  total = (total & 0xffff) + (total >>> 16);
  return (total & 0xffff) + (total >>> 16) === 0xffff;
}

function ports(out: usize, l4: usize): usize {
  return decimal(label(decimal(out, be16(l4)), TO), be16(l4 + 2));
}

function tcpWords(out: usize, net: usize, length: u32): usize {
  const l4 = net + 20;
  const word = be16(l4 + 12);
  let end = flags(ports(out, l4), word & 0x1ff);
  end = decimal(label(end, SEQ), be32(l4 + 4));
  if ((word & FLAG_ACK) !== 0) end = decimal(label(end, ACK), be32(l4 + 8));
  end = decimal(label(end, WIN), be16(l4 + 14));
  if (!verified(net, TCP, length)) end = label(end, BAD_TCP);
  const header = (word >>> 12) << 2;
  end = decimal(label(end, LEN), length - header);
  if (header !== 32) return end;
  end = decimal(label(end, TSVAL), be32(l4 + 24));
  return decimal(label(end, TSECR), be32(l4 + 28));
}

function udpWords(out: usize, net: usize, length: u32): usize {
  const end = decimal(label(ports(out, net + 20), LEN), length - 8);
  return load<u16>(net, 26) === 0 || verified(net, UDP, length) ? end : label(end, BAD_UDP);
}

/** An echo request or reply. The sequence number is shown in both byte orders, as tshark does. */
function echoWords(out: usize, net: usize): usize {
  const l4 = net + 20;
  let end = label(out, load<u8>(l4) === ECHO_REQUEST ? REQUEST : REPLY);
  end = hex(hex(end, load<u8>(l4, 4)), load<u8>(l4, 5));
  end = decimal(label(end, ICMP_SEQ), be16(l4 + 6));
  end = decimal(byte(end, SLASH), load<u16>(l4, 6));
  return decimal(label(end, ICMP_TTL), load<u8>(net, 8));
}

function arpWords(out: usize, net: usize): usize {
  if (be16(net + 6) === ARP_REPLY) return mac(label(ip4(out, net + 14), IS_AT), net + 8);
  const end = label(ip4(label(out, WHO_HAS), net + 24), TELL);
  return ip4(end, net + 14);
}

/** Whether a question or an answer goes between two addresses; announcements and probes have words of their own. */
function knowsArp(net: usize): bool {
  const operation = be16(net + 6);
  const sender = load<u32>(net, 14);
  if (sender === load<u32>(net, 24)) return false;
  return operation === ARP_REPLY || (operation === 1 && sender !== 0);
}

function knowsTcp(l4: usize, last: usize): bool {
  const word = be16(l4 + 12);
  const header = (word >>> 12) << 2;
  if ((word & FLAG_URG) !== 0) return false;
  if (header !== 20 && (header !== 32 || load<u32>(l4, 20) !== TIMESTAMPS)) return false;
  if (last === l4 + header) return true;
  // A capital letter may begin an HTTP message.
  const first: u32 = load<u8>(l4 + header);
  return first < 0x41 || first > 0x5a;
}

/** Whether IPv4 at `net` is plain, its protocol among three, and what it carries needs no more words. */
function knowsIp4(net: usize, room: u32): bool {
  const word = load<u32>(net, 6);
  const total = be16(net + 2);
  if ((word & 0xff3f) !== 0 || total > room || total < 28) return false;
  const protocol = word >>> 24;
  const l4 = net + 20;
  if (protocol === TCP) {
    const header = (<u32>load<u8>(l4, 12) >>> 4) << 2;
    return total >= 40 && header >= 20 && header <= total - 20 && knowsTcp(l4, net + total);
  }
  if (protocol === ICMP) return (be16(l4) & 0xf7ff) === 0;
  if (protocol !== UDP) return false;
  if (load<u8>(CARRIES + be16(l4)) !== 0 || load<u8>(CARRIES + be16(l4 + 2)) !== 0) return false;
  if (be16(l4 + 4) !== total - 20) return false;
  if (total >= GUESSED) {
    const first = load<u32>(l4, 8);
    if (first === 0x08 || (first & 0xb7ff) === 0x88) return false;
  }
  // One question, no answer: it may be DNS on a port of its own.
  return total - 20 < 25 || load<u32>(l4, 12) !== 0x0100;
}

/** Where the inner IPv4 or ARP header of a plain packet is; 0 for another. */
function innerOf(p: usize, length: u32): usize {
  if (length < SHORTEST) return 0;
  // Outer IPv4, no fragment (its flags' lower bits and offset), UDP, VXLAN with only I set.
  if ((load<u32>(p, 12) & 0xff_ffff) !== IP4_TYPE || be16(p + 16) !== length - 14) return 0;
  if ((load<u32>(p, 20) & 0xff00_ff3f) !== UDP << 24) return 0;
  if (be16(p + 38) !== length - 34 || load<u8>(CARRIES + be16(p + 36)) !== CARRIES_VXLAN) return 0;
  if (load<u32>(p, 42) !== 0x08 || load<u8>(p, 49) !== 0) return 0;
  // The inner frame: 81 00 is a tag.
  if (load<u16>(p, 62) !== 0x81) return p + 64;
  return length < SHORTEST + TAG ? 0 : p + 64 + TAG;
}

/**
 * Writes the line of a packet; answers with the place behind it, or 0 when it is not plain, and then nothing was written.
 * @param p where the packet is; @param out where the text goes; @param number below 100,000,000
 * @param seconds since the first packet, below 100,000,000; @param fraction in units of the last of `places`, 6 or 9
 */
export function line(
  p: usize,
  length: u32,
  out: usize,
  number: u32,
  seconds: u32,
  fraction: u32,
  places: u32,
): usize {
  const net = innerOf(p, length);
  if (net === 0) return 0;
  const type = load<u32>(net - 2) & 0xff_ffff;
  const isIp4 = type === IP4_TYPE;
  if (isIp4) {
    if (!knowsIp4(net, length - <u32>(net - p))) return 0;
  } else {
    // Ethernet and IPv4: 00 01 08 00 06 04.
    if (type !== ARP_TYPE || load<u32>(net) !== 0x0008_0100 || load<u16>(net, 4) !== 0x0406) return 0;
    if (!knowsArp(net)) return 0;
  }

  let end = byte(right(out, number, 5), SPACE);
  end = byte(right(end, seconds, 9 - places), DOT);
  if (places === 9) {
    const upper = fraction / 100_000_000;
    end = eightDigits(byte(end, 0x30 + upper), fraction - upper * 100_000_000);
  } else {
    const upper = fraction / 10_000;
    store<u32>(end, four(upper) >>> 16);
    store<u32>(end, four(fraction - upper * 10_000), 2);
    end += 6;
  }
  end = ip4Right(byte(end, SPACE), p + 26);
  end = byte(ip4Left(label(end, TO), p + 30), SPACE);
  end = byte(decimal(end, be32(p + 46) >>> 8), SPACE);
  if (isIp4) end = ip4Left(label(ip4Right(end, net + 12), TO), net + 16);
  else end = mac(label(mac(end, p + OUTER + 6), TO), p + OUTER);
  const protocol: u32 = isIp4 ? load<u8>(net, 9) : 0;
  const words = protocol === TCP ? OF_TCP : protocol === UDP ? OF_UDP : isIp4 ? OF_ICMP : OF_ARP;
  end = byte(decimal(label(end, words), length), SPACE);
  if (protocol === TCP) end = tcpWords(end, net, be16(net + 2) - 20);
  else if (protocol === UDP) end = udpWords(end, net, be16(net + 2) - 20);
  else end = isIp4 ? echoWords(end, net) : arpWords(end, net);
  return byte(end, NEWLINE);
}
