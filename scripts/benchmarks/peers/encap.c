// VXLAN encapsulation in place and decapsulation in C, over frames as ../encap.ts has them. From this project's own
// measuring tools.
//
//   encap encapsulate|decapsulate BYTES CHECKSUM PACKETS     prints millions of packets a second
//
// BYTES is the inner frame's length, CHECKSUM 1 for an outer UDP checksum.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAMES = 256, SLOT = 2048, ROOM = 64, OUTER = 50, IP = 14, UDP = 34, VXLAN = 42 };

static uint8_t slots[FRAMES][SLOT];
static uint32_t identification;
static volatile uint64_t kept;

static void put16(uint8_t *at, uint32_t value) {
  const uint16_t swapped = __builtin_bswap16(value);
  memcpy(at, &swapped, 2);
}

static uint32_t get16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, 2);
  return __builtin_bswap16(value);
}

static uint32_t get32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return __builtin_bswap32(value);
}

// In the machine's byte order, eight bytes at a time.
static uint64_t sum(const uint8_t *at, int length) {
  uint64_t s = 0;
  for (; length >= 8; at += 8, length -= 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    s += (word & 0xffffffff) + (word >> 32);
  }
  for (; length >= 2; at += 2, length -= 2) {
    uint16_t word;
    memcpy(&word, at, 2);
    s += word;
  }
  return length > 0 ? s + *at : s;
}

static uint16_t fold(uint64_t s) {
  while (s >> 16) s = (s & 0xffff) + (s >> 16);
  return s;
}

static uint64_t udp_sum(const uint8_t *outer, int length) {
  const uint64_t pseudo = sum(outer + IP + 12, 8) + __builtin_bswap16(17) + __builtin_bswap16(length);
  return pseudo + sum(outer + UDP, length);
}

static uint32_t entropy(const uint8_t *inner) {
  uint32_t h = (get32(inner + 26) ^ 0x9e3779b9) * 0x85ebca6b;
  h = ((h ^ (h >> 15)) ^ get32(inner + 30)) * 0xc2b2ae35;
  h = ((h ^ (h >> 13)) ^ get32(inner + 34) ^ inner[23]) * 0x27d4eb2f;
  return h ^ (h >> 16);
}

static uint8_t template[OUTER];

static void prepare(void) {
  static const uint8_t start[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45};
  static const uint8_t addresses[] = {192, 0, 2, 11, 192, 0, 2, 12};
  memcpy(template, start, sizeof start);
  memcpy(template + IP + 12, addresses, sizeof addresses);
  template[IP + 8] = 64;
  template[IP + 9] = 17;
  put16(template + UDP + 2, 4789);
  template[VXLAN] = 8;
  put16(template + VXLAN + 5, 4097);
  for (int i = 0; i < FRAMES; i++) {
    uint8_t *inner = slots[i] + ROOM;
    for (int k = 0; k < SLOT - ROOM; k++) inner[k] = i * 131 + k * 7;
    memcpy(inner, start, sizeof start);
    inner[IP + 9] = 17;
  }
}

static void encapsulate(uint8_t *inner, int bytes, int checksum) {
  uint8_t *outer = inner - OUTER;
  memcpy(outer, template, OUTER);
  put16(outer + IP + 2, bytes + OUTER - IP);
  put16(outer + IP + 4, identification++ & 0xffff);
  const uint16_t header = ~fold(sum(outer + IP, 20));
  memcpy(outer + IP + 10, &header, 2);
  put16(outer + UDP, 32768 + ((uint64_t)entropy(inner) * 28232 >> 32));
  put16(outer + UDP + 4, bytes + 16);
  if (!checksum) return;
  const uint16_t datagram = ~fold(udp_sum(outer, bytes + 16));
  memcpy(outer + UDP + 6, &datagram, 2);
}

// The VNI, or -1 for what is to be dropped.
static int decapsulate(const uint8_t *outer, int length) {
  if (length < OUTER || get16(outer + 12) != 0x0800) return -1;
  const uint8_t *ip = outer + IP, *udp = outer + UDP, *vxlan = outer + VXLAN;
  if (ip[0] != 0x45 || ip[9] != 17 || (int)get16(ip + 2) > length - IP) return -1;
  if (fold(sum(ip, 20)) != 0xffff) return -1;
  const int claimed = get16(udp + 4);
  if (claimed < 16 || claimed > length - UDP || get16(udp + 2) != 4789) return -1;
  if (get16(udp + 6) != 0 && fold(udp_sum(outer, claimed)) != 0xffff) return -1;
  return vxlan[0] & 8 ? (int)(get32(vxlan + 4) >> 8) : -1;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const int encapsulating = strcmp(argv[1], "encapsulate") == 0;
  const int bytes = atoi(argv[2]), checksum = atoi(argv[3]), packets = atoi(argv[4]);
  prepare();
  for (int i = 0; i < FRAMES; i++) encapsulate(slots[i] + ROOM, bytes, checksum);
  struct timespec began, ended;
  clock_gettime(CLOCK_MONOTONIC, &began);
  for (int i = 0; i < packets; i++) {
    uint8_t *inner = slots[i & (FRAMES - 1)] + ROOM;
    if (encapsulating) {
      encapsulate(inner, bytes, checksum);
      kept += inner[-OUTER + UDP + 1];
    } else {
      const int vni = decapsulate(inner - OUTER, bytes + OUTER);
      if (vni != 4097) return 1;
      kept += vni;
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &ended);
  const double seconds = (ended.tv_sec - began.tv_sec) + (ended.tv_nsec - began.tv_nsec) * 1e-9;
  printf("%.6f\n", packets / seconds / 1e6);
  return 0;
}
