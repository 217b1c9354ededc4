// Videos from an http address, served by a small server with faults inside this program.
#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

enum Fault {
    FAULT_NONE = 0,
    FAULT_NO_LENGTH,
    FAULT_NO_RANGES,
    FAULT_CUT_ONCE,
    FAULT_CUT_ALWAYS,
    FAULT_NOT_FOUND,
    FAULT_HTML,
    FAULT_STALL
};

typedef struct Server {
    int listener, fault;
    atomic_int requests, stop, open;
    uint8_t *data;
    size_t size;
    pthread_t thread;
    char url[64];
} Server;

static void send_all(int fd, const void *data, size_t size)
{
    for (const char *at = data; size > 0;) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        at += sent;
        size -= (size_t)sent;
    }
}

static void answer(Server *server, int fd)
{
    char request[4096], head[512];
    ssize_t got = 0, more;
    size_t from = 0;
    int number = atomic_fetch_add(&server->requests, 1);

    while (got < (ssize_t)sizeof request - 1 &&
           (more = recv(fd, request + got, sizeof request - 1 - (size_t)got, 0)) > 0) {
        got += more;
        request[got] = 0;
        if (strstr(request, "\r\n\r\n"))
            break;
    }
    request[got] = 0;
    const char *range = strcasestr(request, "\r\nRange: bytes=");
    if (server->fault == FAULT_NOT_FOUND) {
        snprintf(head, sizeof head, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        send_all(fd, head, strlen(head));
        return;
    }
    if (server->fault == FAULT_HTML) {
        snprintf(
            head, sizeof head,
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html><body>Sign in</body></html>");
        send_all(fd, head, strlen(head));
        return;
    }
    if (range && server->fault != FAULT_NO_RANGES && server->fault != FAULT_NO_LENGTH)
        from = (size_t)strtoul(range + 15, NULL, 10);
    if (from > server->size)
        from = server->size;
    size_t length = server->size - from, part = length;
    if (server->fault == FAULT_NO_RANGES)
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", length);
    else if (server->fault == FAULT_NO_LENGTH)
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    else
        snprintf(head, sizeof head,
                 "HTTP/1.1 %s\r\nContent-Length: %zu\r\nAccept-Ranges: bytes\r\nContent-Range: bytes %zu-%zu/%zu\r\n"
                 "Connection: close\r\n\r\n",
                 range ? "206 Partial Content" : "200 OK", length, from, server->size - 1, server->size);
    if (server->fault == FAULT_CUT_ALWAYS)
        part = from < server->size / 2 ? server->size / 2 - from : 0;
    else if ((server->fault == FAULT_CUT_ONCE && number == 0) || server->fault == FAULT_STALL)
        part = length / 2;
    send_all(fd, head, strlen(head));
    send_all(fd, server->data + from, part);
    while (server->fault == FAULT_STALL && !atomic_load(&server->stop))
        usleep(10000);
}

typedef struct Connection {
    Server *server;
    int fd;
} Connection;

static void *serve_one(void *opaque)
{
    Connection *connection = opaque;

    answer(connection->server, connection->fd);
    close(connection->fd);
    atomic_fetch_sub(&connection->server->open, 1);
    free(connection);
    return NULL;
}

// A thread for each connection: a client may open the next before it closes the last.
static void *serve(void *opaque)
{
    Server *server = opaque;

    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        Connection *connection = malloc(sizeof *connection);
        pthread_t thread;
        *connection = (Connection){server, fd};
        atomic_fetch_add(&server->open, 1);
        if (pthread_create(&thread, NULL, serve_one, connection))
            return NULL;
        pthread_detach(thread);
    }
}

static void start(Server *server, const char *name, int fault)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    FILE *file = fopen(in_folder(name), "rb");

    *server = (Server){.fault = fault};
    fseek(file, 0, SEEK_END);
    server->size = (size_t)ftell(file);
    rewind(file);
    server->data = malloc(server->size);
    assert_int_equal(fread(server->data, 1, server->size, file), server->size);
    fclose(file);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/%s", ntohs(address.sin_port), name);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(Server *server)
{
    atomic_store(&server->stop, 1);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    while (atomic_load(&server->open))
        usleep(1000);
    close(server->listener);
    free(server->data);
}

static int make_inputs(void **state)
{
    if (make_folder(state))
        return -1;
    // Noise, so that the file is larger than any buffer on the way.
    shell("ffmpeg -v error -f lavfi -i testsrc2=s=320x240:r=25:d=4 -vf noise=alls=40:allf=t -pix_fmt yuv420p -c:v "
          "libx264 "
          "-crf 10 -g 25 back.mp4 && ffmpeg -v error -i back.mp4 -c copy -movflags faststart front.mp4");
    return 0;
}

static Run fetch(const char *name, int fault)
{
    Server server;

    start(&server, name, fault);
    Run run = run_file(server.url);
    if (!run.open_ret)
        assert_string_equal(run.info.source, server.url);
    stop(&server);
    return run;
}

static void test_whole_file(void **state)
{
    static const struct {
        const char *name;
        int fault;
    } cases[] = {{"front.mp4", FAULT_NONE},
                 {"front.mp4", FAULT_NO_RANGES},
                 {"back.mp4", FAULT_NONE},
                 {"front.mp4", FAULT_CUT_ONCE},
                 {"front.mp4", FAULT_NO_LENGTH}};
    Run file = run_file(in_folder("front.mp4"));

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Run run = fetch(cases[i].name, cases[i].fault);
        if (run.open_ret || run.end != TL_EOF)
            fail_msg("case %d: %s", (int)i, run.diag.text);
        assert_int_equal(run.count, 100);
        assert_memory_equal(run.hashes, file.hashes, 100 * sizeof *file.hashes);
        free_run(&run);
    }
    free_run(&file);
}

// The transfer breaks at the half and never gets further: the frames until there, then the sentence.
static void test_cut(void **state)
{
    Run run = fetch("front.mp4", FAULT_CUT_ALWAYS);

    (void)state;
    assert_int_equal(run.open_ret, 0);
    if (run.end != TL_ENET)
        fail_msg("%s: %s", tl_error_name(run.end), run.diag.text);
    assert_true(run.count > 30 && run.count < 70 && run.in_order);
    assert_non_null(strstr(run.diag.text, "of about 100 frames"));
    free_run(&run);
}

static void test_refusals(void **state)
{
    Run run = fetch("front.mp4", FAULT_NOT_FOUND);

    (void)state;
    assert_int_equal(run.open_ret, TL_ENET);
    assert_non_null(strstr(run.diag.text, "404"));
    free_run(&run);
    run = fetch("front.mp4", FAULT_HTML);
    assert_int_equal(run.open_ret, TL_EFORMAT);
    free_run(&run);
    run = fetch("back.mp4", FAULT_NO_RANGES);
    if (run.open_ret != TL_EFORMAT)
        fail_msg("%s: %s", tl_error_name(run.open_ret), run.diag.text);
    free_run(&run);
}

// The index at the end and no way back to the data: one sentence, wherever the index stands in the last bytes and
// whatever libav calls it.
static void test_index_behind(void **state)
{
    static const char *const names[] = {"back.mp4", "then_free.mp4", "small.mp4", "sound.mp4", "late.mp4"};

    (void)state;
    shell("(cat back.mp4; printf '\\000\\004\\000\\000free'; head -c 262136 /dev/zero) > then_free.mp4 && "
          "ffmpeg -v error -f lavfi -i testsrc2=s=320x240:r=25:d=2 -pix_fmt yuv420p -c:v libx264 small.mp4 && "
          "ffmpeg -v error -f lavfi -i testsrc2=s=320x240:r=25:d=2 -f lavfi -i sine=d=2 -c:a aac -c:v libx264 "
          "sound.mp4 && ffmpeg -v error -i back.mp4 -c:v libx264 -crf 40 -g 5 late.mp4");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int fault = FAULT_NO_LENGTH; fault <= FAULT_NO_RANGES; fault++) {
            Run run = fetch(names[i], fault);
            int code = run.open_ret ? run.open_ret : run.end;
            if (code != TL_EFORMAT || !strstr(run.diag.text, "index at the end"))
                fail_msg("%s, fault %d: %s (%s)", names[i], fault, tl_error_name(code), run.diag.text);
            free_run(&run);
        }
}

static void test_unknown_host(void **state)
{
    static const char *const urls[] = {"http://name.invalid/clip.mp4", "http://user@name.invalid:8080?x",
                                       "https://name.invalid/clip.mp4"};

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        Run run = run_file(urls[i]);
        assert_int_equal(run.open_ret, TL_ENET);
        if (!strstr(run.diag.text, "the host 'name.invalid' was not found"))
            fail_msg("'%s'", run.diag.text);
    }
    // An address that nobody listens at is no unknown name.
    Run run = run_file("http://127.0.0.1:9/clip.mp4");
    assert_int_equal(run.open_ret, TL_ENET);
    assert_non_null(strstr(run.diag.text, "refused"));
}

static void *cancel_soon(void *opaque)
{
    usleep(700 * 1000);
    atomic_store((atomic_int *)opaque, 1);
    return NULL;
}

// A server that falls silent: the flag ends the wait at once.
static void test_cancel_while_silent(void **state)
{
    Server server;
    atomic_int cancel = 0;
    pthread_t thread;
    time_t begin = time(NULL);

    (void)state;
    start(&server, "front.mp4", FAULT_STALL);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    Run run = run_params(&(TlReaderParams){.input = server.url, .cancel = &cancel});
    assert_int_equal(run.open_ret ? run.open_ret : run.end, TL_EINTERRUPTED);
    assert_true(time(NULL) - begin < 10);
    pthread_join(thread, NULL);
    stop(&server);
    free_run(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_file),   cmocka_unit_test(test_cut),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_index_behind),
        cmocka_unit_test(test_unknown_host), cmocka_unit_test(test_cancel_while_silent),
    };

    need_ffmpeg();
    return cmocka_run_group_tests(tests, make_inputs, remove_folder);
}
