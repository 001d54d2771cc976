/* The least that a probe can cost: connect, greeting, EHLO, QUIT, close; one thread, one epoll, nothing kept.
 *
 * client FIRST COUNT PORT SESSIONS AT_ONCE RATE
 *
 * talks SESSIONS times with the COUNT addresses from FIRST on, one after the other: as fast as it can with AT_ONCE at a
 * time, or, where RATE is not 0, that many a second. Prints
 *
 *     CPU_SECONDS WALL_SECONDS FAILED
 *
 * and a line for each session that went well: seconds of the connect, of the wait for the greeting, and, where RATE is
 * not 0, the kernel's own round-trip time of the handshake.
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
#define PATIENCE 10.0 /* seconds without any event, after which whoever is left has failed */

enum state { CONNECTING, BANNER, EHLO, QUIT };

struct session {
    int fd;
    enum state state;
    double began, connected, banner, rtt;
    size_t length;
    char reply[1024];
};

struct timing {
    double connect, banner, rtt;
};

static int events_at;
static double rate;
static struct sockaddr_in first;
static unsigned long addresses, begun, ended, failed, wanted;
static struct timing *timings;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void end(struct session *session, int well)
{
    close(session->fd);
    failed += !well;
    ended++;
    free(session);
}

static void begin(void)
{
    struct session *session = calloc(1, sizeof *session);
    struct sockaddr_in address = first;
    int one = 1;
    address.sin_addr.s_addr = htonl(ntohl(first.sin_addr.s_addr) + begun++ % addresses);
    session->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    session->began = now();
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = session};
    if ((connect(session->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) ||
        epoll_ctl(events_at, EPOLL_CTL_ADD, session->fd, &event) < 0)
        end(session, 0);
}

/* Whether the reply is whole: its last line has no hyphen behind the code. */
static int whole(const struct session *session)
{
    if (!session->length || session->reply[session->length - 1] != '\n')
        return 0;
    size_t line = session->length - 1;
    while (line && session->reply[line - 1] != '\n')
        line--;
    return session->length - line > 3 && session->reply[line + 3] != '-';
}

static int say(struct session *session, const char *command, enum state state)
{
    session->state = state;
    session->length = 0;
    return send(session->fd, command, strlen(command), MSG_NOSIGNAL) > 0;
}

static void go_on(struct session *session)
{
    double at = now();
    if (session->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
        getsockopt(session->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error || epoll_ctl(events_at, EPOLL_CTL_MOD, session->fd, &event) < 0) {
            end(session, 0);
            return;
        }
        session->state = BANNER;
        session->connected = at;
        if (rate) {
            struct tcp_info info;
            socklen_t length = sizeof info;
            if (getsockopt(session->fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0)
                session->rtt = info.tcpi_rtt / 1e6;
        }
        return;
    }
    ssize_t got = recv(session->fd, session->reply + session->length, sizeof session->reply - session->length, 0);
    if (got <= 0) {
        end(session, 0);
        return;
    }
    session->length += got;
    if (!whole(session))
        return;
    if (session->state == BANNER && strncmp(session->reply, "220", 3) == 0) {
        session->banner = at - session->connected;
        if (!say(session, "EHLO probe.example\r\n", EHLO))
            end(session, 0);
    } else if (session->state == EHLO && strncmp(session->reply, "250", 3) == 0) {
        if (!say(session, "QUIT\r\n", QUIT))
            end(session, 0);
    } else if (session->state == QUIT && strncmp(session->reply, "221", 3) == 0) {
        timings[ended - failed].connect = session->connected - session->began;
        timings[ended - failed].banner = session->banner;
        timings[ended - failed].rtt = session->rtt;
        end(session, 1);
    } else {
        end(session, 0);
    }
}

int main(int argc, char **argv)
{
    if (argc != 7 || !inet_aton(argv[1], &first.sin_addr)) {
        fputs("usage: client FIRST COUNT PORT SESSIONS AT_ONCE RATE\n", stderr);
        return 2;
    }
    first.sin_family = AF_INET;
    first.sin_port = htons(atoi(argv[3]));
    addresses = strtoul(argv[2], NULL, 10);
    wanted = strtoul(argv[4], NULL, 10);
    unsigned long at_once = strtoul(argv[5], NULL, 10);
    double start = now(), last = start;
    rate = atof(argv[6]);
    struct epoll_event events[EVENTS];
    timings = calloc(wanted + 1, sizeof *timings);
    events_at = epoll_create1(0);
    while (ended < wanted) {
        while (begun < wanted && begun - ended < at_once && (!rate || now() - start >= begun / rate))
            begin();
        int count = epoll_wait(events_at, events, EVENTS, rate ? 1 : 100);
        for (int i = 0; i < count; i++)
            go_on(events[i].data.ptr);
        if (count)
            last = now();
        else if (now() - last > PATIENCE) {
            failed += wanted - ended;
            break;
        }
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("%.6f %.6f %lu\n", used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6, now() - start, failed);
    for (unsigned long i = 0; i < wanted - failed; i++)
        printf("%.6f %.6f %.6f\n", timings[i].connect, timings[i].banner, timings[i].rtt);
    return 0;
}
