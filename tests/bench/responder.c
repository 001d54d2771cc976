/* A mail host on every address of this machine, as cheap as one can be: one thread, one epoll.
 *
 * responder PORT        prints "ready" once it listens, and runs until it is ended.
 *
 * It greets with the name mx-A-B-C.bench.example of the address 127.A.B.C it was called on, as an honest host greets
 * with its own. A command is taken for whole when its line end is there; no client of the benchmark sends it in pieces.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define BACKLOG 65535 /* the kernel takes the least of it and net.core.somaxconn */

static int name_of(int fd, char *name, size_t size)
{
    struct sockaddr_in own;
    socklen_t length = sizeof own;
    unsigned char *byte = (unsigned char *)&own.sin_addr;
    if (getsockname(fd, (struct sockaddr *)&own, &length) < 0)
        return -1;
    return snprintf(name, size, "mx-%d-%d-%d.bench.example", byte[1], byte[2], byte[3]);
}

static void say(int fd, const char *before, const char *after)
{
    char name[64], text[512];
    if (name_of(fd, name, sizeof name) < 0)
        return;
    int length = snprintf(text, sizeof text, "%s%s%s", before, name, after);
    if (send(fd, text, length, MSG_NOSIGNAL) < 0)
        return; /* the client is gone; reading will tell */
}

static void answer(int fd)
{
    char command[512];
    ssize_t length = recv(fd, command, sizeof command, 0);
    if (length < 0 && errno == EAGAIN)
        return;
    if (length < 4 || strncasecmp(command, "QUIT", 4) == 0) {
        if (length >= 4)
            say(fd, "221 2.0.0 ", " closing connection\r\n");
        close(fd);
        return;
    }
    say(fd, "250-", "\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n"
                    "250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n");
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int one = 1, listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listening}, events[EVENTS];
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listening, (struct sockaddr *)&any, sizeof any) < 0 || listen(listening, BACKLOG) < 0 ||
        epoll_ctl(poll, EPOLL_CTL_ADD, listening, &event) < 0) {
        perror("responder");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd != listening) {
                answer(fd);
                continue;
            }
            while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event.data.fd = fd;
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
                say(fd, "220 ", " ESMTP\r\n");
            }
        }
    }
}
