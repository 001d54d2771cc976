/* The work of the exporter's probe of a host, beside the conversation itself: what a client in C needs for the same.
 *
 * The kernel's times of arrival and its ICMP errors are asked for (a recvmsg with a control message in place of a recv,
 * two more setsockopt); replies are read whole: lines, codes, printable text, the name in the greeting, the keywords of
 * EHLO against the closed list, SIZE and AUTH; the phases go to histograms, the session to counters; and the text of
 * the host's series is written, as the exporter's /metrics has it, for a scrape that would find it ready. Left out, and
 * so for the client: schedule, DNS, the series of the domain, diagnosis, pages, and the scrape.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#define STAMPS 64 /* SO_TIMESTAMPNS_NEW of asm-generic/socket.h, as exporter/net/timestamps.py */

enum phase { CONNECT_PHASE, BANNER_PHASE, EHLO_PHASE, QUIT_PHASE, PHASES };

static const char *const phase_names[PHASES] = {"connect", "banner", "ehlo", "quit"};

/* The closed lists of exporter/smtp/ehlo.py. */
static const char *const extensions[] = {
    "STARTTLS", "PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN",
    "ENHANCEDSTATUSCODES", "REQUIRETLS", "VRFY", "EXPN", "ETRN", "AUTH"};
static const char *const mechanisms[] = {
    "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS", "GSSAPI", "NTLM", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "ANONYMOUS"};
enum { SIZE_EXTENSION = 2, AUTH_EXTENSION = 12 };
#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

static const double bounds[] = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 60};
static struct { unsigned long counts[COUNT_OF(bounds) + 1]; double sum; } histograms[PHASES];

/* What is known of a host. */
struct host {
    char address[INET_ADDRSTRLEN], mx[64];
    unsigned long probes, failures;
    unsigned offered, spoken; /* bits of the lists above */
    unsigned long long size_limit;
    int codes[PHASES], named, up;
    double phases[PHASES], rtt;
    size_t length;
    char text[8192]; /* its series */
};

static void observe(enum phase phase, double seconds)
{
    size_t place = 0;
    while (place < COUNT_OF(bounds) && seconds > bounds[place])
        place++;
    histograms[phase].counts[place]++;
    histograms[phase].sum += seconds;
}

static void ask_the_kernel(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, STAMPS, &one, sizeof one);
}

/* recv, with the time of arrival on the clock of `now`. */
static ssize_t receive(int fd, char *data, size_t size, double *now)
{
    char control[64];
    struct iovec piece = {data, size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(fd, &message, 0);
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == STAMPS) {
        long long stamp[2]; /* seconds and nanoseconds of CLOCK_REALTIME */
        struct timespec real;
        memcpy(stamp, CMSG_DATA(header), sizeof stamp);
        clock_gettime(CLOCK_REALTIME, &real);
        double age = (real.tv_sec - stamp[0]) + (real.tv_nsec - stamp[1]) / 1e9;
        if (age > 0)
            *now -= age;
    }
    return got;
}

static unsigned found_in(const char *const *list, size_t count, const char *word, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i]) == length && strncasecmp(list[i], word, length) == 0)
            return 1u << i;
    return 0;
}

static void read_keyword(struct host *host, const char *line, const char *end)
{
    size_t length = strcspn(line, " \r");
    unsigned bit = found_in(extensions, COUNT_OF(extensions), line, length);
    host->offered |= bit;
    if (bit == 1u << SIZE_EXTENSION)
        host->size_limit = strtoull(line + length, NULL, 10);
    if (bit != 1u << AUTH_EXTENSION)
        return;
    for (line += length; line < end && *line == ' '; line += length) {
        length = strcspn(++line, " \r");
        host->spoken |= found_in(mechanisms, COUNT_OF(mechanisms), line, length);
    }
}

/* The code of a whole reply, with its facts put into `host`; 0 for one that is malformed. `reply` ends with NUL. */
static int read_reply(struct host *host, enum phase phase, const char *reply)
{
    int code = 0;
    if (phase == EHLO_PHASE)
        host->offered = host->spoken = host->size_limit = 0;
    for (const char *line = reply, *end; *line; line = end + 2) {
        end = strstr(line, "\r\n");
        if (!end || end - line < 3 || line[0] < '2' || line[0] > '5' || line[1] < '0' || line[1] > '9' ||
            line[2] < '0' || line[2] > '9' || (line + 3 < end && line[3] != ' ' && line[3] != '-'))
            return 0;
        int found = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
        if (code && found != code)
            return 0;
        for (const char *at = line + 3; at < end; at++)
            if ((unsigned char)*at < ' ')
                return 0;
        const char *text = line + 4 < end ? line + 4 : end;
        if (!code && phase == BANNER_PHASE)
            host->named = strncasecmp(text, host->mx, strlen(host->mx)) == 0;
        else if (code && phase == EHLO_PHASE)
            read_keyword(host, text, end);
        code = found;
    }
    return host->codes[phase] = code;
}

#define SERIES(...) at += snprintf(at, host->text + sizeof host->text - at, __VA_ARGS__)
#define LABELS "address=\"%s\",domain=\"\",%s%s%smodule=\"default\",mx=\"%s\",%s%s%sport=\"%s\""
#define OF_HOST(name, format, value) \
    SERIES(name "{" LABELS "} " format "\n", host->address, "", "", "", host->mx, "", "", "", port, value)

/* All series of the host, each as a whole. */
static void write_series(struct host *host, const char *port)
{
    char *at = host->text;
    OF_HOST("mx_host_up", "%d.0", host->up);
    OF_HOST("mx_host_domains", "%s", "1.0");
    for (enum phase phase = BANNER_PHASE; phase < PHASES; phase++)
        SERIES("mx_host_reply_code{" LABELS ",stage=\"%s\"} %d.0\n", host->address, "", "", "", host->mx, "", "", "",
               port, phase_names[phase], host->codes[phase]);
    for (enum phase phase = CONNECT_PHASE; phase < PHASES; phase++)
        SERIES("mx_host_phase_duration_seconds{" LABELS "} %.17g\n", host->address, "", "", "", host->mx, "phase=\"",
               phase_names[phase], "\",", port, host->phases[phase]);
    OF_HOST("mx_host_tcp_rtt_seconds", "%.17g", host->rtt);
    OF_HOST("mx_host_esmtp", "%s", "1.0");
    for (size_t i = 0; i < COUNT_OF(extensions); i++)
        if (host->offered & 1u << i)
            SERIES("mx_host_extension{" LABELS "} 1.0\n", host->address, "keyword=\"", extensions[i], "\",", host->mx,
                   "", "", "", port);
    if (host->offered & 1u << SIZE_EXTENSION)
        OF_HOST("mx_host_size_limit_bytes", "%.17g", (double)host->size_limit);
    for (size_t i = 0; i < COUNT_OF(mechanisms); i++)
        if (host->spoken & 1u << i)
            SERIES("mx_host_auth_mechanism{" LABELS ",tls=\"no\"} 1.0\n", host->address, "mechanism=\"", mechanisms[i],
                   "\",", host->mx, "", "", "", port);
    host->length = at - host->text;
}
