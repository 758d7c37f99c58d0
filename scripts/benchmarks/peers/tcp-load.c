// One TCP connection of the kernel's to somebody else's stack: how many bits of payload a second go through it.
//
//   tcp-load push|pull ADDRESS PORT SECONDS     prints gigabits a second
//
// push writes for so long and ends its side; the clock stops when the other has read all and ended too. pull reads for so long.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[3]))};
  if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) return 2;
  const int push = strcmp(argv[1], "push") == 0;
  const double seconds = atof(argv[4]);
  const int flow = socket(AF_INET, SOCK_STREAM, 0);
  const struct timeval patience = {5, 0};
  setsockopt(flow, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(flow, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(flow, (const struct sockaddr *)&to, sizeof to) != 0) {
    perror("tcp-load");
    return 1;
  }
  static char bytes[1 << 18];
  unsigned long moved = 0;
  const double began = now();
  while (now() - began < seconds) {
    const ssize_t n = push ? write(flow, bytes, sizeof bytes) : read(flow, bytes, sizeof bytes);
    if (n <= 0) {
      perror("tcp-load");
      return 1;
    }
    moved += n;
  }
  if (push) {
    shutdown(flow, SHUT_WR);
    while (read(flow, bytes, sizeof bytes) > 0);
  }
  printf("%.6f\n", moved * 8 / (now() - began) / 1e9);
  return 0;
}
