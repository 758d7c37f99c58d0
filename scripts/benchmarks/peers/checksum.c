// checksum BYTES SUMS: the Internet checksum, 64 bits at a time with the carry added back; millions of sums a second.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PACKETS 16

static volatile int kept;

static uint16_t checksum(const uint8_t *data, size_t bytes) {
  uint64_t sum = 0;
  size_t at = 0;
  for (; at + 8 <= bytes; at += 8) {
    uint64_t word;
    memcpy(&word, data + at, 8);
    sum += word;
    sum += sum < word;
  }
  uint64_t rest = 0;
  memcpy(&rest, data + at, bytes - at);
  sum += rest;
  sum += sum < rest;
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const int bytes = atoi(argv[1]), sums = atoi(argv[2]);
  uint8_t *data = malloc((size_t)bytes * PACKETS);
  if (data == NULL) return 1;
  uint32_t state = 12345;
  for (int i = 0; i < bytes * PACKETS; i++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    data[i] = state;
  }
  for (int turn = 0;; turn++) {
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (int i = 0; i < sums; i++) kept ^= checksum(data + (size_t)(i % PACKETS) * bytes, bytes);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    if (turn == 1) {
      const double took = (ended.tv_sec - began.tv_sec) + (ended.tv_nsec - began.tv_nsec) / 1e9;
      printf("%f\n", sums / took / 1e6);
      return 0;
    }
  }
}
