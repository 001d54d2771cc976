/* What a probe costs in C: connect, greeting, EHLO, QUIT, close; one thread, one epoll.
 *
 * client WORK FIRST COUNT PORT SESSIONS AT_ONCE RATE
 *
 * talks SESSIONS times with the COUNT addresses from FIRST on, one after the other: as fast as it can with AT_ONCE at a
 * time, or, where RATE is not 0, that many a second. WORK is
 *
 *   bare    the least that is possible: replies are only looked at for their code, and nothing is kept
 *   probe   the work of the exporter's probe of a host (see probe.h)
 *
 * Prints
 *
 *     CPU_SECONDS SESSIONS_IN_THEM FAILED
 *
 * and a line for each session that went well: seconds of the connect, of the wait for the greeting, and, where RATE is
 * not 0, the kernel's own round-trip time of the handshake. Where each address has its turn more than once, CPU is
 * counted from the second on: the first brings memory and caches. On its standard error, the series of the host at FIRST.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "probe.h"

#define EVENTS 256
#define PATIENCE 10.0 /* seconds without any event, after which whoever is left has failed */

/* In the order of the phases. */
enum state { CONNECTING, BANNER, EHLO, QUIT };

struct session {
    int fd;
    enum state state;
    double began, since; /* since: the end of the phase before */
    double phases[PHASES], rtt;
    struct host *host;
    size_t length;
    char reply[1024];
};

struct timing {
    double connect, banner, rtt;
};

static const int expected[PHASES] = {0, 220, 250, 221};
static const char *const commands[PHASES] = {NULL, "EHLO probe.example\r\n", "QUIT\r\n", NULL};

static int events_at, works;
static double rate, counted_from; /* CPU seconds */
static const char *port;
static struct sockaddr_in first;
static struct host *hosts;
static unsigned long addresses, begun, ended, failed, wanted, uncounted;
static struct timing *timings;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double cpu(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static struct sockaddr_in address_of(unsigned long number)
{
    struct sockaddr_in address = first;
    address.sin_addr.s_addr = htonl(ntohl(first.sin_addr.s_addr) + number);
    return address;
}

static void end(struct session *session, int well)
{
    close(session->fd);
    if (well) {
        struct timing *timing = &timings[ended - failed];
        timing->connect = session->phases[CONNECT_PHASE];
        timing->banner = session->phases[BANNER_PHASE];
        timing->rtt = session->rtt;
    }
    if (works) {
        struct host *host = session->host;
        host->probes++;
        host->failures += !well;
        host->up = well;
        host->rtt = session->rtt;
        memcpy(host->phases, session->phases, sizeof host->phases);
        for (enum phase phase = CONNECT_PHASE; phase < PHASES && well; phase++)
            observe(phase, session->phases[phase]);
        write_series(host, port);
    }
    failed += !well;
    if (++ended == uncounted)
        counted_from = cpu();
    free(session);
}

static void begin(void)
{
    struct session *session = calloc(1, sizeof *session);
    unsigned long number = begun++ % addresses;
    struct sockaddr_in address = address_of(number);
    int one = 1;
    session->host = &hosts[number];
    session->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (works)
        ask_the_kernel(session->fd);
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

static void connected(struct session *session, double at)
{
    int error = 0;
    socklen_t size = sizeof error;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
    getsockopt(session->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error || epoll_ctl(events_at, EPOLL_CTL_MOD, session->fd, &event) < 0) {
        end(session, 0);
        return;
    }
    if (rate || works) {
        struct tcp_info info;
        socklen_t length = sizeof info;
        if (getsockopt(session->fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0)
            session->rtt = info.tcpi_rtt / 1e6;
    }
    /* The kernel's own measure, where it is shorter than until our reading. */
    if (works && session->rtt > 0 && session->began + session->rtt < at)
        at = session->began + session->rtt;
    session->phases[CONNECT_PHASE] = at - session->began;
    session->since = at;
    session->state = BANNER;
}

static void go_on(struct session *session)
{
    double at = now();
    if (session->state == CONNECTING) {
        connected(session, at);
        return;
    }
    char *free_space = session->reply + session->length;
    size_t size = sizeof session->reply - 1 - session->length;
    ssize_t got = works ? receive(session->fd, free_space, size, &at) : recv(session->fd, free_space, size, 0);
    if (got <= 0) {
        end(session, 0);
        return;
    }
    session->length += got;
    session->reply[session->length] = 0;
    if (!whole(session))
        return;
    enum phase phase = (enum phase)session->state;
    int code = works ? read_reply(session->host, phase, session->reply) : atoi(session->reply);
    session->phases[phase] = at - session->since;
    if (code != expected[phase] || !commands[phase]) {
        end(session, code == expected[phase]);
        return;
    }
    session->state++;
    session->length = 0;
    session->since = works ? now() : at;
    if (send(session->fd, commands[phase], strlen(commands[phase]), MSG_NOSIGNAL) < 0)
        end(session, 0);
}

static void know_hosts(void)
{
    hosts = calloc(addresses, sizeof *hosts);
    for (unsigned long i = 0; i < addresses && works; i++) {
        struct sockaddr_in address = address_of(i);
        unsigned char *byte = (unsigned char *)&address.sin_addr;
        inet_ntop(AF_INET, &address.sin_addr, hosts[i].address, sizeof hosts[i].address);
        snprintf(hosts[i].mx, sizeof hosts[i].mx, "mx-%d-%d-%d.bench.example", byte[1], byte[2], byte[3]);
    }
}

int main(int argc, char **argv)
{
    if (argc != 8 || !inet_aton(argv[2], &first.sin_addr)) {
        fputs("usage: client bare|probe FIRST COUNT PORT SESSIONS AT_ONCE RATE\n", stderr);
        return 2;
    }
    works = strcmp(argv[1], "probe") == 0;
    port = argv[4];
    first.sin_family = AF_INET;
    first.sin_port = htons(atoi(port));
    addresses = strtoul(argv[3], NULL, 10);
    wanted = strtoul(argv[5], NULL, 10);
    unsigned long at_once = strtoul(argv[6], NULL, 10);
    uncounted = wanted > addresses ? addresses : 0;
    rate = atof(argv[7]);
    know_hosts();
    if (works) /* the kernel patches itself when the first socket wants times, and when the last does no more */
        ask_the_kernel(socket(AF_INET, SOCK_DGRAM, 0));
    struct epoll_event events[EVENTS];
    timings = calloc(wanted + 1, sizeof *timings);
    events_at = epoll_create1(0);
    double start = now(), last = start;
    counted_from = cpu();
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
    printf("%.6f %lu %lu\n", cpu() - counted_from, wanted - uncounted, failed);
    fputs(hosts[0].text, stderr);
    for (unsigned long i = 0; i < wanted - failed; i++)
        printf("%.6f %.6f %.6f\n", timings[i].connect, timings[i].banner, timings[i].rtt);
    return 0;
}
