// An echo of UDP datagrams in batches of 64: one recvmmsg, one sendmmsg. What a program can do at the most that does nothing
// with what it gets.
//
//   udp-echo ADDRESS PORT [TO TO_PORT]      to whoever sent it, or always to TO
//
// Says "ready" when its socket is open. Ends at SIGTERM or SIGINT and prints how many it has received and sent.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { BATCH = 64, ROOM = 2048 };

static volatile sig_atomic_t stopped = 0;

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

static int address_of(const char *text, const char *port, struct sockaddr_in *at) {
  *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  return inet_pton(AF_INET, text, &at->sin_addr);
}

int main(int argc, char **argv) {
  struct sockaddr_in here, to, from[BATCH];
  if ((argc != 3 && argc != 5) || address_of(argv[1], argv[2], &here) != 1) return 2;
  if (argc == 5 && address_of(argv[3], argv[4], &to) != 1) return 2;
  const struct sigaction end = {.sa_handler = stop};
  sigaction(SIGTERM, &end, NULL);
  sigaction(SIGINT, &end, NULL);
  const int echo = socket(AF_INET, SOCK_DGRAM, 0);
  const int room = 4 << 20;
  setsockopt(echo, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  setsockopt(echo, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  const struct timeval patience = {0, 100000};
  setsockopt(echo, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (bind(echo, (const struct sockaddr *)&here, sizeof here) != 0) {
    perror("udp-echo");
    return 1;
  }
  puts("ready");
  fflush(stdout);
  static char bytes[BATCH][ROOM];
  struct mmsghdr messages[BATCH] = {0};
  struct iovec places[BATCH];
  for (int i = 0; i < BATCH; i++) {
    messages[i].msg_hdr.msg_iov = &places[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  unsigned long received = 0, sent = 0;
  while (!stopped) {
    for (int i = 0; i < BATCH; i++) {
      places[i] = (struct iovec){bytes[i], ROOM};
      messages[i].msg_hdr.msg_name = &from[i];
      messages[i].msg_hdr.msg_namelen = sizeof from[i];
    }
    const int got = recvmmsg(echo, messages, BATCH, MSG_WAITFORONE, NULL);
    if (got <= 0) continue;
    received += got;
    for (int i = 0; i < got; i++) {
      places[i].iov_len = messages[i].msg_len;
      if (argc == 5) messages[i].msg_hdr.msg_name = &to;
    }
    for (int done = 0; done < got;) {
      const int n = sendmmsg(echo, messages + done, got - done, 0);
      if (n > 0) sent += n;
      // The first of them is at fault.
      done += n > 0 ? n : 1;
    }
  }
  printf("%lu %lu\n", received, sent);
  return 0;
}
