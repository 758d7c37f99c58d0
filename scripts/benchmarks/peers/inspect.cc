// The practical limit of counting a VXLAN capture: what a program does that does nothing else. Reads a little-endian
// microsecond pcap in pieces, walks Ethernet, IPv4, UDP 4789, VXLAN, Ethernet, 802.1Q, IPv4 or ARP, and counts packets and
// bytes by VNI and by one-way inner flow. Prints the sums, so that nothing is optimised away.
//
//   inspect FILE

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static inline uint32_t be16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return __builtin_bswap16(v); }
static inline uint32_t be32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v); }

struct Flow { uint64_t a, b, packets, bytes; };
static uint32_t room = 1 << 16, flows = 0;
static Flow *table = (Flow *)calloc(room, sizeof(Flow));

static inline uint64_t hash(uint64_t a, uint64_t b) {
  uint64_t h = (a ^ 0x9E3779B97F4A7C15ull) * 0xBF58476D1CE4E5B9ull;
  h ^= h >> 29;
  h = (h ^ b) * 0x94D049BB133111EBull;
  return h ^ (h >> 32);
}

static void grow() {
  uint32_t old = room;
  Flow *from = table;
  room *= 2;
  table = (Flow *)calloc(room, sizeof(Flow));
  for (uint32_t i = 0; i < old; i++) {
    if (!from[i].packets) continue;
    uint32_t j = hash(from[i].a, from[i].b) & (room - 1);
    while (table[j].packets) j = (j + 1) & (room - 1);
    table[j] = from[i];
  }
  free(from);
}

static inline void count(uint64_t a, uint64_t b, uint32_t bytes) {
  uint32_t j = hash(a, b) & (room - 1);
  for (;; j = (j + 1) & (room - 1)) {
    Flow &f = table[j];
    if (!f.packets) {
      f = {a, b, 1, bytes};
      if (++flows * 2 > room) grow();
      return;
    }
    if (f.a == a && f.b == b) {
      f.packets++;
      f.bytes += bytes;
      return;
    }
  }
}

static uint64_t *vnis = (uint64_t *)mmap(nullptr, (1 << 24) * 16ull, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
static uint64_t total = 0;

static inline void packet(const uint8_t *p, uint32_t n) {
  total++;
  if (n < 50 || be16(p + 12) != 0x800 || (p[14] >> 4) != 4 || p[23] != 17) return;
  uint32_t header = (p[14] & 15) * 4;
  if ((be16(p + 20) & 0x1fff) || 14 + header + 30 > n) return;
  const uint8_t *udp = p + 14 + header, *end = p + n;
  if (be16(udp + 2) != 4789 || !(udp[8] & 8)) return;
  uint32_t vni = be32(udp + 12) >> 8;
  const uint8_t *frame = udp + 16;
  uint32_t length = end - frame;
  vnis[vni * 2]++;
  vnis[vni * 2 + 1] += length;
  uint32_t type = be16(frame + 12);
  const uint8_t *q = frame + 14;
  if (type == 0x8100 || type == 0x88a8) {
    if (q + 4 > end) return;
    type = be16(q + 2);
    q += 4;
  }
  if (type == 0x800 && q + 20 <= end) {
    uint32_t l4 = (q[0] & 15) * 4, protocol = q[9];
    uint64_t b = (uint64_t)vni << 40 | (uint64_t)protocol << 32;
    if ((protocol == 6 || protocol == 17) && !(be16(q + 6) & 0x1fff) && q + l4 + 4 <= end) b |= be32(q + l4);
    count((uint64_t)be32(q + 12) << 32 | be32(q + 16), b, length);
  } else if (type == 0x806 && q + 28 <= end) {
    count((uint64_t)be32(q + 14) << 32 | be32(q + 24), (uint64_t)vni << 40, length);
  }
}

int main(int, char **argv) {
  const uint32_t piece = 1 << 18;
  int fd = open(argv[1], O_RDONLY);
  if (fd < 0) return 1;
  uint8_t *buffer = (uint8_t *)malloc(piece + (1 << 17));
  long have = 0;
  bool first = true;
  for (long got; (got = read(fd, buffer + have, piece)) > 0;) {
    have += got;
    uint8_t *p = buffer, *end = buffer + have;
    if (first) p += 24;
    first = false;
    while (p + 16 <= end) {
      uint32_t n;
      memcpy(&n, p + 8, 4);
      if (p + 16 + n > end) break;
      packet(p + 16, n);
      p += 16 + n;
    }
    have = end - p;
    memmove(buffer, p, have);
  }
  for (uint32_t vni = 0; vni < 1 << 14; vni++)
    if (vnis[vni * 2]) printf("%u %lu %lu\n", vni, vnis[vni * 2], vnis[vni * 2 + 1]);
  printf("%lu packets, %u flows\n", total, flows);
}
