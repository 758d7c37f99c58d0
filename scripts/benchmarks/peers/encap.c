// encap MODE BYTES: VXLAN encapsulation from a header template into headroom, or decapsulation, in place; millions of
// frames a second. MODE is encapsulate, checksum (the outer UDP checksum too) or decapsulate. After this project's own
// throw-away measuring programs.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAMES = 4096, ROUNDS = 1000000, OUTER = 50, ROOM = 64 };

static const uint8_t template[OUTER] = {2, 0, 0,    0,    0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0,    0,    0, 0, 0, 0x40, 0,
                                        64, 17, 0,  0,    192, 0, 2, 11, 192, 0, 2, 12, 0, 0, 0x12, 0xb5, 0, 0, 0, 0,
                                        8, 0, 0,    0,    0, 0x10, 1, 0};
static uint8_t *slots;
static size_t stride;
static int inner;
static uint32_t base;
static volatile uint64_t kept;

static uint32_t read32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return __builtin_bswap32(value);
}

static void write16(uint8_t *at, uint32_t value) {
  const uint16_t swapped = __builtin_bswap16(value);
  memcpy(at, &swapped, 2);
}

static uint32_t source_port(const uint8_t *frame) {
  uint32_t h = (read32(frame + 26) ^ 0x9e3779b9) * 0x85ebca6b;
  h ^= h >> 15;
  h = (h ^ read32(frame + 30)) * 0xc2b2ae35;
  h ^= h >> 13;
  h = (h ^ read32(frame + 34) ^ frame[23]) * 0x27d4eb2f;
  return 49152 | ((h ^ h >> 16) & 0x3fff);
}

static void encapsulate(uint8_t *frame) {
  static uint32_t id;
  const uint32_t port = source_port(frame + OUTER);
  memcpy(frame, template, OUTER);
  const uint32_t total = inner + 36;
  id = (id + 1) & 0xffff;
  write16(frame + 16, total);
  write16(frame + 18, id);
  uint32_t sum = base + total + id;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  write16(frame + 24, ~sum);
  write16(frame + 34, port);
  write16(frame + 38, inner + 16);
}

static void checksum(uint8_t *frame) {
  const uint8_t *at = frame + 26;
  int left = inner + 24;
  uint64_t sum = (17 << 8) + __builtin_bswap16(inner + 16);
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    sum += (word & 0xffffffff) + (word >> 32);
  }
  for (; left >= 2; left -= 2, at += 2) {
    uint16_t word;
    memcpy(&word, at, 2);
    sum += word;
  }
  if (left > 0) sum += *at;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  const uint16_t field = ~sum;
  memcpy(frame + 40, &field, 2);
}

static void decapsulate(const uint8_t *frame) {
  if (frame[12] != 8 || frame[14] != 0x45 || frame[23] != 17 || frame[36] != 0x12 || frame[37] != 0xb5) return;
  uint32_t sum = 0;
  for (int i = 14; i < 34; i += 2) sum += frame[i] << 8 | frame[i + 1];
  sum = (sum & 0xffff) + (sum >> 16);
  if (sum != 0xffff || !(frame[42] & 8)) return;
  kept += (read32(frame + 46) >> 8) ^ read32(frame + 52);
}

int main(int count, char **words) {
  if (count != 3) return 2;
  inner = atoi(words[2]);
  stride = (inner + OUTER + ROOM + 63) & ~63u;
  slots = calloc(FRAMES + 1, stride);
  for (int n = 0; n < FRAMES; n++) {
    for (int i = 0; i < inner; i++) slots[n * stride + OUTER + i] = n * 131 + i * 7;
  }
  for (int i = 14; i < 34; i += 2) base += template[i] << 8 | template[i + 1];
  const char mode = words[1][0];
  if (mode == 'd') {
    for (int n = 0; n < FRAMES; n++) encapsulate(slots + n * stride);
  }
  struct timespec began, ended;
  clock_gettime(CLOCK_MONOTONIC, &began);
  for (int i = 0; i < ROUNDS; i++) {
    uint8_t *frame = slots + (i & (FRAMES - 1)) * stride;
    if (mode == 'd') {
      decapsulate(frame);
      continue;
    }
    encapsulate(frame);
    if (mode == 'c') checksum(frame);
    kept += frame[24] + frame[40];
  }
  clock_gettime(CLOCK_MONOTONIC, &ended);
  const double seconds = ended.tv_sec - began.tv_sec + (ended.tv_nsec - began.tv_nsec) * 1e-9;
  printf("%.3f\n", ROUNDS / seconds / 1e6);
  return 0;
}
