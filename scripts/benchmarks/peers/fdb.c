// fdb learn|lookup STATIONS OPERATIONS: the tables of ../fdb.ts with open addressing in C; millions of operations a second.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AGEING 300000000000ull
#define GAP 1000ull

typedef struct {
  uint64_t mac; /* 0: free */
  int32_t dest;
  uint32_t unused;
  uint64_t time;
} Entry;

static Entry *table;
static uint64_t mask;
static volatile int kept;

static Entry *find(uint64_t mac) {
  uint64_t slot = (mac * 0x9e3779b97f4a7c15ull) >> 40;
  for (;; slot++) {
    Entry *entry = table + (slot & mask);
    if (entry->mac == mac || entry->mac == 0) return entry;
  }
}

static uint64_t read_mac(const uint8_t *at) {
  uint16_t hi;
  uint32_t lo;
  memcpy(&hi, at, 2);
  memcpy(&lo, at + 2, 4);
  return (uint64_t)__builtin_bswap16(hi) << 32 | __builtin_bswap32(lo);
}

static int learn(const uint8_t *at, int32_t dest, uint64_t now) {
  const uint64_t mac = read_mac(at);
  Entry *entry = find(mac);
  const int result = entry->mac == 0 ? 0 : entry->dest == dest ? 1 : 2;
  entry->mac = mac;
  entry->dest = dest;
  entry->time = now;
  return result;
}

static int lookup(const uint8_t *at, uint64_t now) {
  const Entry *entry = find(read_mac(at));
  return entry->mac == 0 || now - entry->time >= AGEING ? -1 : entry->dest;
}

static uint32_t state = 12345;

static uint32_t next(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const int learning = strcmp(argv[1], "learn") == 0, stations = atoi(argv[2]), operations = atoi(argv[3]);
  uint64_t slots = 8;
  while (slots * 3 < (uint64_t)stations * 4) slots *= 2;
  mask = slots - 1;
  table = calloc(slots, sizeof *table);
  uint8_t *bytes = malloc((size_t)stations * 8);
  if (table == NULL || bytes == NULL) return 1;
  for (int i = 0; i < stations; i++) {
    const uint16_t hi = __builtin_bswap16(0x0200 | (next() & 0xff));
    const uint32_t lo = __builtin_bswap32(next());
    memcpy(bytes + 8 * i, &hi, 2);
    memcpy(bytes + 8 * i + 2, &lo, 4);
    learn(bytes + 8 * i, 0, 0);
  }
  for (int turn = 0;; turn++) {
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    int station = 0;
    for (int i = 0; i < operations; i++) {
      station = (station + 7919) % stations;
      kept ^= learning ? learn(bytes + 8 * station, 0, i * GAP) : lookup(bytes + 8 * station, i * GAP);
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    if (turn == 1) {
      const double took = (ended.tv_sec - began.tv_sec) + (ended.tv_nsec - began.tv_nsec) / 1e9;
      printf("%f\n", operations / took / 1e6);
      return 0;
    }
  }
}
