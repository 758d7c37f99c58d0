// udp-flood send ADDRESS PORT BYTES SECONDS | receive PORT SECONDS: datagrams as fast as sendmmsg takes them, and how many a
// second arrive between the first and the last. After this project's own throw-away measuring programs.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

enum { BATCH = 64 };

static char buffers[BATCH][2048];
static struct mmsghdr messages[BATCH];
static struct iovec vectors[BATCH];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void prepare(size_t bytes) {
  for (int i = 0; i < BATCH; i++) {
    vectors[i].iov_base = buffers[i];
    vectors[i].iov_len = bytes;
    messages[i].msg_hdr.msg_iov = vectors + i;
    messages[i].msg_hdr.msg_iovlen = 1;
  }
}

int main(int count, char **words) {
  const int s = socket(AF_INET, SOCK_DGRAM, 0);
  const int room = 8 << 20;
  setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (count == 6 && strcmp(words[1], "send") == 0) {
    inet_pton(AF_INET, words[2], &address.sin_addr);
    address.sin_port = htons(atoi(words[3]));
    if (connect(s, (struct sockaddr *)&address, sizeof address) != 0) return 1;
    prepare(atoi(words[4]));
    const double until = now() + atof(words[5]);
    while (now() < until) sendmmsg(s, messages, BATCH, 0);
    return 0;
  }
  if (count != 4 || strcmp(words[1], "receive") != 0) return 2;
  address.sin_port = htons(atoi(words[2]));
  if (bind(s, (struct sockaddr *)&address, sizeof address) != 0) return 1;
  const struct timeval wait = {.tv_usec = 200000};
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  prepare(sizeof buffers[0]);
  const double until = now() + atof(words[3]);
  double first = 0, last = 0;
  long received = 0;
  while (now() < until) {
    const int got = recvmmsg(s, messages, BATCH, MSG_WAITFORONE, NULL);
    if (got <= 0) continue;
    last = now();
    if (first == 0) first = last;
    received += got;
  }
  printf("%.4f\n", last > first ? received / (last - first) / 1e6 : 0);
  return received > 0 ? 0 : 1;
}
