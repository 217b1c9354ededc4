// The download guard: every refused range with its edges, URL texts, Drive links; and the downloader with a stub
// resolver, where connect() itself is watched: nothing ever leaves for an address that is not loopback.
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "download.h"
#include "guard.h"

// --- what libcurl calls, replaced

#define REPLACED __attribute__((visibility("default")))

static int g_connects_elsewhere, g_lookups;
static atomic_int g_answers_now, g_silent_lookups, g_silent_ended; // of silent.test

REPLACED int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    static int (*real)(int, const struct sockaddr *, socklen_t);
    if (!real)
        real = (int (*)(int, const struct sockaddr *, socklen_t))(uintptr_t)dlsym(RTLD_NEXT, "connect");
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    if ((address->sa_family == AF_INET && ntohl(v4->sin_addr.s_addr) != INADDR_LOOPBACK) ||
        address->sa_family == AF_INET6) {
        g_connects_elsewhere++;
        return -1;
    }
    return real(fd, address, length);
}

// Names that end in .test: what a hostile name server would answer.
static const char *stub_answer(const char *name)
{
    static const char *table[][2] = {
        {"loopback.test", "127.0.0.2"},        {"private.test", "10.1.2.3"}, {"metadata.test", "169.254.169.254"},
        {"mapped.test", "::ffff:192.168.1.1"}, {"local6.test", "fe80::1"},   {"unique6.test", "fd00::1"},
        {"translated.test", "64:ff9b::a00:1"}, {"good.test", "127.0.0.1"},   {"zero.test", "0.0.0.0"},
        {"sixtofour.test", "2002:a00:1::1"},   {"shared.test", "100.64.0.1"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(name, table[i][0]) == 0)
            return table[i][1];
    if (strcmp(name, "rebind.test") == 0) // allowed the first time it is asked for, private afterwards
        return g_lookups++ == 0 ? "127.0.0.1" : "192.168.0.1";
    return NULL;
}

REPLACED int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    typedef int Real(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    static Real *real;
    if (!real)
        real = (Real *)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");
    if (node && strcmp(node, "silent.test") == 0) { // a name server that says nothing for long
        atomic_fetch_add(&g_silent_lookups, 1);
        for (int i = 0; i < 1000 && !atomic_load(&g_answers_now); i++)
            usleep(10000);
        atomic_fetch_add(&g_silent_ended, 1);
        return EAI_AGAIN;
    }
    const char *answer = node ? stub_answer(node) : NULL;
    struct addrinfo numeric = hints ? *hints : (struct addrinfo){0};
    numeric.ai_family = AF_UNSPEC;
    return answer ? real(answer, service, &numeric, out) : real(node, service, hints, out);
}

// --- addresses

static int permits(const TlGuard *guard, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return tl_guard_permits(guard, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return tl_guard_permits(guard, (const struct sockaddr *)&v6);
}

static void refused_ranges(void **state)
{
    (void)state;
    // first and last address of each range, and the neighbours that are public
    static const char *refused[] = {
        "0.0.0.0",         "0.255.255.255",  "10.0.0.0",        "10.255.255.255", "100.64.0.0",      "100.127.255.255",
        "127.0.0.0",       "127.0.0.1",      "127.255.255.255", "169.254.0.0",    "169.254.169.254", "169.254.255.255",
        "172.16.0.0",      "172.31.255.255", "192.0.0.0",       "192.0.0.255",    "192.0.2.0",       "192.0.2.255",
        "192.88.99.0",     "168.63.129.16",  "192.88.99.255",   "192.168.0.0",    "192.168.255.255", "198.18.0.0",
        "198.19.255.255",  "198.51.100.0",   "198.51.100.255",  "203.0.113.0",    "203.0.113.255",   "224.0.0.0",
        "239.255.255.255", "240.0.0.0",      "255.255.255.255"};
    static const char *permitted[] = {
        "1.0.0.0",         "9.255.255.255",   "11.0.0.0",      "100.63.255.255", "100.128.0.0",     "126.255.255.255",
        "128.0.0.0",       "169.253.255.255", "169.255.0.0",   "172.15.255.255", "172.32.0.0",      "191.255.255.255",
        "192.0.1.0",       "192.0.3.0",       "192.88.98.255", "192.88.100.0",   "192.167.255.255", "192.169.0.0",
        "198.17.255.255",  "198.20.0.0",      "198.51.99.255", "198.51.101.0",   "203.0.112.255",   "203.0.114.0",
        "223.255.255.255", "8.8.8.8",         "168.63.129.15", "168.63.129.17"};
    TlGuard none = {0};
    char text[64];
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(permits(&none, refused[i]));
        snprintf(text, sizeof text, "::ffff:%s", refused[i]);
        assert_false(permits(&none, text));
        snprintf(text, sizeof text, "64:ff9b::%s", refused[i]);
        assert_false(permits(&none, text));
    }
    for (size_t i = 0; i < sizeof permitted / sizeof *permitted; i++) {
        assert_true(permits(&none, permitted[i]));
        snprintf(text, sizeof text, "::ffff:%s", permitted[i]);
        assert_true(permits(&none, text));
        snprintf(text, sizeof text, "::%s", permitted[i]); // the compatible form is nobody's
        assert_false(permits(&none, text));
    }
}

static void refused_ranges_v6(void **state)
{
    (void)state;
    static const char *refused[] = {"::",
                                    "::1",
                                    "::2",
                                    "64:ff9b:1::1",
                                    "100::1",
                                    "1fff:ffff::1",
                                    "2001::1",
                                    "2001:0:a00:1::1",
                                    "2001:2::1",
                                    "2001:10::1",
                                    "2001:20::1",
                                    "2001:1ff:ffff::1",
                                    "2001:db8::1",
                                    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                                    "2002:7f00:1::1",
                                    "2002:a9fe:a9fe::1",
                                    "2002:c0a8:101::1",
                                    "3fff::1",
                                    "3fff:fff::1",
                                    "4000::1",
                                    "5f00::1",
                                    "fc00::1",
                                    "fdff:ffff::1",
                                    "fe80::1",
                                    "febf::1",
                                    "fec0::1",
                                    "ff02::1",
                                    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
    static const char *permitted[] = {"2000::1",      "2001:200::1",     "2001:db7::1",
                                      "2001:db9::1",  "2002:808:808::1", "2606:4700::1",
                                      "2a00:1450::1", "3ffe::1",         "64:ff9b::808:808"};
    TlGuard none = {0};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (permits(&none, refused[i]))
            fail_msg("%s is let through", refused[i]);
    for (size_t i = 0; i < sizeof permitted / sizeof *permitted; i++)
        if (!permits(&none, permitted[i]))
            fail_msg("%s is refused", permitted[i]);
    struct sockaddr unix_address = {.sa_family = AF_UNIX};
    assert_false(tl_guard_permits(&none, &unix_address));
}

static void allowed_hosts(void **state)
{
    (void)state;
    TlGuard guard = {0};
    TlDiag diag = {0};
    assert_int_equal(tl_guard_allow(&guard, "127.0.0.1", &diag), TL_OK);
    assert_int_equal(tl_guard_allow(&guard, "::1", &diag), TL_OK);
    assert_true(permits(&guard, "127.0.0.1"));
    assert_true(permits(&guard, "::1"));
    assert_false(permits(&guard, "127.0.0.2"));
    assert_false(permits(&guard, "::2"));
    assert_int_equal(tl_guard_allow(&guard, "private.test", &diag), TL_OK); // a name is resolved once, now
    assert_true(permits(&guard, "10.1.2.3"));
    assert_int_equal(tl_guard_allow(&guard, "no-such-host.invalid", &diag), TL_ENOENT);
    int ret = TL_OK;
    for (int i = 0; i < TL_GUARD_ALLOWED_MAX && ret == TL_OK; i++)
        ret = tl_guard_allow(&guard, "127.0.0.3", &diag);
    assert_int_equal(ret, TL_ELIMIT);
}

// --- texts

static void url_texts(void **state)
{
    (void)state;
    static const char *good[] = {
        "http://a",    "https://a.b/c?d=e#f", "HTTP://A/",     "hTTps://a:8443/x",  "http://[2001:db8::1]:80/x",
        "http://a/@b", "http://a?x=@b",       "http://a/%20x", "http://127.0.0.1/", "http://a/\xc3\xa4"};
    static const struct {
        const char *url;
        int code;
    } bad[] = {{"", TL_EDENIED},
               {"a", TL_EDENIED},
               {"//a/b", TL_EDENIED},
               {"ftp://a/", TL_EDENIED},
               {"file:///etc/passwd", TL_EDENIED},
               {"gopher://a/", TL_EDENIED},
               {"http:/a", TL_EDENIED},
               {"javascript:http://a", TL_EDENIED},
               {"http://", TL_EUSAGE},
               {"http:///a", TL_EUSAGE},
               {"http://:80/", TL_EUSAGE},
               {"http://?a", TL_EUSAGE},
               {"http://u@a/", TL_EDENIED},
               {"http://u:p@a/", TL_EDENIED},
               {"http://@a/", TL_EDENIED},
               {"http://a b/", TL_EUSAGE},
               {" http://a/", TL_EUSAGE},
               {"http://a/\n", TL_EUSAGE},
               {"http://a/\r\nX: y", TL_EUSAGE},
               {"http://a\\@b/", TL_EUSAGE},
               {"http://a/\x7f", TL_EUSAGE},
               {"http://a/\x01", TL_EUSAGE}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        TlDiag diag = {0};
        assert_int_equal(tl_guard_check_url(good[i], &diag), TL_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        TlDiag diag = {0};
        if (tl_guard_check_url(bad[i].url, &diag) != bad[i].code || !diag.text[0])
            fail_msg("'%s' gives %d %s", bad[i].url, diag.code, diag.text);
    }
    char text[2100];
    TlDiag diag = {0};
    memset(text, 'x', sizeof text);
    memcpy(text, "http://a/", 9);
    text[2048] = 0;
    assert_int_equal(tl_guard_check_url(text, &diag), TL_OK);
    text[2048] = 'x';
    text[2049] = 0;
    assert_int_equal(tl_guard_check_url(text, &diag), TL_EUSAGE);
}

static void drive_links(void **state)
{
    (void)state;
    static const char direct[] = "https://drive.usercontent.google.com/download?id=1a-B_c2&export=download&confirm=t";
    static const char *share[] = {"https://drive.google.com/file/d/1a-B_c2/view?usp=sharing",
                                  "https://drive.google.com/file/d/1a-B_c2",
                                  "https://drive.google.com/open?id=1a-B_c2",
                                  "https://drive.google.com/uc?export=download&id=1a-B_c2",
                                  "https://drive.google.com/uc?id=1a-B_c2&export=download",
                                  "https://DRIVE.google.com/file/d/1a-B_c2/edit",
                                  "https://docs.google.com/uc?id=1a-B_c2",
                                  "https://drive.google.com/file/d/1a-B_c2/view?resourcekey=",
                                  "https://drive.google.com/file/d/1a-B_c2/view#?resourcekey=0-no",
                                  "https://drive.google.com/file/d/1a-B_c2/view?xresourcekey=0-no"};
    // with the key of a link, wherever it stands, up to what no key is made of
    static const char *keyed[] = {"https://drive.google.com/file/d/1a-B_c2/view?usp=sharing&resourcekey=0-xY_9z",
                                  "https://drive.google.com/file/d/1a-B_c2/view?resourcekey=0-xY_9z&usp=sharing#x",
                                  "https://drive.google.com/open?id=1a-B_c2&resourcekey=0-xY_9z",
                                  "https://drive.google.com/uc?resourcekey=0-xY_9z%26a&id=1a-B_c2",
                                  "https://docs.google.com/uc?id=1a-B_c2&resourcekey=0-xY_9z"};
    static const char *others[] = {"https://drive.google.com/drive/folders/xyz", "https://drive.google.com/open?id=",
                                   "https://drive.google.com.evil.example/file/d/1a-B_c2/view",
                                   "https://example.org/file/d/1a-B_c2/view", "http://a/x.mp4?id=5"};
    char url[256], small[20];
    for (size_t i = 0; i < sizeof share / sizeof *share; i++) {
        assert_int_equal(tl_guard_rewrite_url(share[i], url, sizeof url), TL_OK);
        assert_string_equal(url, direct);
    }
    for (size_t i = 0; i < sizeof keyed / sizeof *keyed; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "%s&resourcekey=0-xY_9z", direct);
        assert_int_equal(tl_guard_rewrite_url(keyed[i], url, sizeof url), TL_OK);
        assert_string_equal(url, expected);
        assert_int_equal(tl_guard_rewrite_url(keyed[i], url, strlen(expected)), TL_ELIMIT);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(tl_guard_rewrite_url(others[i], url, sizeof url), TL_OK);
        assert_string_equal(url, others[i]);
    }
    assert_int_equal(tl_guard_rewrite_url("http://a/a-long-address.mp4", small, sizeof small), TL_ELIMIT);
}

// --- the downloader behind the stub resolver

typedef struct Server {
    int fd, port, served;
    pthread_t thread;
} Server;

// Serves "hello" to each connection, then closes it; ends when the listening socket is shut down.
static void *serve_main(void *opaque)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    Server *s = opaque;
    char request[4096];
    int fd;
    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        if (read(fd, request, sizeof request) > 0 && write(fd, answer, sizeof answer - 1) > 0)
            s->served++;
        close(fd);
    }
    return NULL;
}

static void open_server(Server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    *s = (Server){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &length), 0);
    s->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve_main, s), 0);
}

static void close_server(Server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static int read_some(struct TlByteSource *source, uint8_t *data, int size)
{
    int n;
    while ((n = source->read(source->opaque, data, size)) == TL_EAGAIN)
        ;
    return n;
}

static int fetch(TlDownloader *downloader, const char *host, int port, TlDiag *diag)
{
    TlDownload *download = NULL;
    char url[256];
    uint8_t data[16];
    snprintf(url, sizeof url, "http://%s:%d/x.mp4", host, port);
    tl_diag_clear(diag);
    int ret = tl_download_start(&download, downloader, url, diag);
    if (ret == TL_OK && (ret = tl_download_wait_head(download, diag)) == TL_OK) {
        struct TlByteSource *source = tl_download_source(download);
        assert_int_equal(read_some(source, data, sizeof data), 5);
        assert_memory_equal(data, "hello", 5);
        assert_int_equal(read_some(source, data, sizeof data), 0);
    }
    tl_download_stop(&download);
    return ret;
}

static void private_names_and_spellings(void **state)
{
    (void)state;
    static const char *hosts[] = {"loopback.test",
                                  "private.test",
                                  "metadata.test",
                                  "mapped.test",
                                  "local6.test",
                                  "unique6.test",
                                  "translated.test",
                                  "zero.test",
                                  "sixtofour.test",
                                  "shared.test",
                                  "127.0.0.2",
                                  "127.2",
                                  "2130706434",
                                  "0x7f000002",
                                  "0177.0.0.2",
                                  "0x7f.0.0.2",
                                  "017700000002",
                                  "10.0.0.1",
                                  "167772161",
                                  "0xa000001",
                                  "012.0.0.1",
                                  "169.254.169.254",
                                  "2852039166",
                                  "192.168.1.1",
                                  "172.16.0.1",
                                  "0",
                                  "0.0.0.0",
                                  "[::1]",
                                  "[::]",
                                  "[::ffff:127.0.0.2]",
                                  "[::ffff:a00:1]",
                                  "[::127.0.0.1]",
                                  "[fe80::1]",
                                  "[fd00::1]",
                                  "[64:ff9b::7f00:1]",
                                  "[2002:7f00:1::]",
                                  "255.255.255.255",
                                  "224.0.0.1"};
    TlGuard guard = {0};
    TlDiag diag = {0};
    Server server;
    TlDownloader *downloader = NULL;
    open_server(&server);
    assert_int_equal(tl_guard_allow(&guard, "127.0.0.1", &diag), TL_OK);
    TlDownloaderParams params = {.guard = &guard, .tries = 3};
    assert_int_equal(tl_downloader_open(&downloader, &params, &diag), TL_OK);
    assert_int_equal(fetch(downloader, "good.test", server.port, &diag), TL_OK);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (fetch(downloader, hosts[i], server.port, &diag) != TL_EDENIED)
            fail_msg("%s gives %d %s", hosts[i], diag.code, diag.text);
    assert_string_equal(diag.text, "the address leads to a private network, which is refused");
    assert_int_equal(g_connects_elsewhere, 0);
    assert_int_equal(server.served, 1);
    assert_int_equal(fetch(downloader, "localhost", server.port, &diag), TL_OK); // it is the allowed one
    tl_downloader_close(&downloader);
    close_server(&server);
}

static void rebinding(void **state)
{
    (void)state;
    TlGuard guard = {0};
    TlDiag diag = {0};
    Server server;
    TlDownloader *downloader = NULL;
    open_server(&server);
    assert_int_equal(tl_guard_allow(&guard, "127.0.0.1", &diag), TL_OK);
    TlDownloaderParams params = {.guard = &guard};
    g_lookups = 0;
    assert_int_equal(tl_downloader_open(&downloader, &params, &diag), TL_OK);
    assert_int_equal(fetch(downloader, "rebind.test", server.port, &diag), TL_OK);
    tl_downloader_close(&downloader); // and with it what was remembered of the name
    assert_int_equal(tl_downloader_open(&downloader, &params, &diag), TL_OK);
    assert_int_equal(fetch(downloader, "rebind.test", server.port, &diag), TL_EDENIED);
    assert_true(g_lookups > 1);
    assert_int_equal(g_connects_elsewhere, 0);
    tl_downloader_close(&downloader);
    close_server(&server);
}

// A lookup that goes on for long holds neither the end of its download nor the next one.
static void silent_name_server(void **state)
{
    (void)state;
    TlGuard guard = {0};
    TlDiag diag = {0};
    Server server;
    TlDownloader *downloader = NULL;
    open_server(&server);
    assert_int_equal(tl_guard_allow(&guard, "127.0.0.1", &diag), TL_OK);
    TlDownloaderParams params = {.guard = &guard, .connect_timeout_s = 0.2, .tries = 1};
    assert_int_equal(tl_downloader_open(&downloader, &params, &diag), TL_OK);
    assert_int_equal(fetch(downloader, "silent.test", server.port, &diag), TL_ETIMEOUT);
    assert_int_equal(fetch(downloader, "good.test", server.port, &diag), TL_OK);
    tl_downloader_close(&downloader);
    assert_int_equal(atomic_load(&g_silent_lookups), 1);
    assert_int_equal(atomic_load(&g_silent_ended), 0);
    atomic_store(&g_answers_now, 1);
    for (int i = 0; i < 500 && !atomic_load(&g_silent_ended); i++)
        usleep(10000);
    usleep(100000); // its thread frees what libcurl left to it
    close_server(&server);
}

static void nothing_is_allowed_by_default(void **state)
{
    (void)state;
    TlDownloader *downloader = NULL;
    TlDownload *download = NULL, *second = NULL;
    TlDiag diag = {0};
    Server server;
    open_server(&server);
    assert_int_equal(tl_downloader_open(&downloader, NULL, &diag), TL_OK);
    assert_int_equal(fetch(downloader, "127.0.0.1", server.port, &diag), TL_EDENIED);
    assert_int_equal(fetch(downloader, "localhost", server.port, &diag), TL_EDENIED);
    assert_int_equal(tl_download_start(&download, downloader, "http://127.0.0.1/", &diag), TL_OK);
    assert_int_equal(tl_download_start(&second, downloader, "http://127.0.0.1/", &diag), TL_EAGAIN);
    assert_null(second);
    tl_downloader_close(&downloader); // ends what runs
    assert_null(downloader);
    assert_int_equal(server.served, 0);
    close_server(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_ranges),
        cmocka_unit_test(refused_ranges_v6),
        cmocka_unit_test(allowed_hosts),
        cmocka_unit_test(url_texts),
        cmocka_unit_test(drive_links),
        cmocka_unit_test(private_names_and_spellings),
        cmocka_unit_test(rebinding),
        cmocka_unit_test(silent_name_server),
        cmocka_unit_test(nothing_is_allowed_by_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
