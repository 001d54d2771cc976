/* A mail host on every address of this machine, as cheap as one can be: one thread, one epoll.
 *
 * responder PORT WORDS   prints "ready" once it listens, and runs until it is ended.
 *
 * WORDS that differ from one session to the next:
 *
 *   same    none
 *   dates   the date in the greeting, and an id there and in the answers to EHLO and QUIT, as most real hosts have them
 *   facts   the software in the greeting, and in the answer to EHLO the size limit and the extensions
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
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define BACKLOG 65535 /* the kernel takes the least of it and net.core.somaxconn */

static enum { SAME, DATES, FACTS } words;
static unsigned number; /* of the answers so far */

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

/* Looks like chance, but is never the same twice. */
static unsigned id(void)
{
    return ++number * 2654435761u;
}

static void greet(int fd)
{
    static const char *const software[] = {"Postfix", "Exim 4.96", "Sendmail 8.18", "OpenSMTPD"};
    char after[128], date[64];
    time_t seconds = time(NULL);
    if (words == DATES) {
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", gmtime(&seconds));
        snprintf(after, sizeof after, " ESMTP %08x; %s\r\n", id(), date);
    } else if (words == FACTS) {
        snprintf(after, sizeof after, " ESMTP %s\r\n", software[id() >> 16 & 3]);
    } else {
        strcpy(after, " ESMTP\r\n");
    }
    say(fd, "220 ", after);
}

static void answer_ehlo(int fd)
{
    static const char *const changing[] = {"PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "CHUNKING"};
    char after[400];
    int length = 0;
    unsigned chance = words == SAME ? 0 : id();
    if (words == DATES)
        length = snprintf(after, sizeof after, " at your service, %08x", chance);
    if (words != FACTS) {
        snprintf(after + length, sizeof after - length, "\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n"
                 "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n");
    } else {
        length = snprintf(after, sizeof after, "\r\n250-SIZE %u\r\n250-STARTTLS\r\n", chance);
        for (int i = 0; i < 5; i++)
            if (chance >> (16 + i) & 1)
                length += snprintf(after + length, sizeof after - length, "250-%s\r\n", changing[i]);
        snprintf(after + length, sizeof after - length, "250 SMTPUTF8\r\n");
    }
    say(fd, "250-", after);
}

static void answer(int fd)
{
    char command[512], after[64] = " closing connection\r\n";
    ssize_t length = recv(fd, command, sizeof command, 0);
    if (length < 0 && errno == EAGAIN)
        return;
    if (length >= 4 && strncasecmp(command, "QUIT", 4) != 0) {
        answer_ehlo(fd);
        return;
    }
    if (words == DATES)
        snprintf(after, sizeof after, " closing connection %08x\r\n", id());
    if (length >= 4)
        say(fd, "221 2.0.0 ", after);
    close(fd);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    words = argc < 3 || !strcmp(argv[2], "same") ? SAME : !strcmp(argv[2], "dates") ? DATES : FACTS;
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
                greet(fd);
            }
        }
    }
}
