// The HTTP face in one process with a miner on scripted networks: drips end, addresses to listen on, stop and refuse.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "server.h"
#include "sr25519.h"

typedef struct World {
    char folder[64], player[96], pitch[96];
    TlOptions options;
    TlGuard guard;
    TlGate gate;
    TlMetrics *metrics;
    TlMiner *miner;
} World;

static void write_script(const char *path, const char *head)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "touchline-script 1\nhead %s\nsize 64 64\nloop\nframe\n", head);
    fclose(f);
}

static int set_up(void **state)
{
    static World w;
    TlDiag diag = {0};
    snprintf(w.folder, sizeof w.folder, "/tmp/tl-server-XXXXXX");
    if (!mkdtemp(w.folder))
        return -1;
    snprintf(w.player, sizeof w.player, "%s/player.script", w.folder);
    snprintf(w.pitch, sizeof w.pitch, "%s/pitch.script", w.folder);
    write_script(w.player, "centers");
    write_script(w.pitch, "points");
    tl_options_default(&w.options);
    snprintf(w.options.player_model, sizeof w.options.player_model, "%s", w.player);
    snprintf(w.options.pitch_model, sizeof w.options.pitch_model, "%s", w.pitch);
    w.options.threads = 1;
    w.gate = (TlGate){
        .nonces = tl_nonce_store_create(64, 120000000000ll), .stakes = tl_stake_table_create(), .any_hotkey = 1};
    w.metrics = tl_metrics_create();
    TlMinerParams params = {.options = &w.options, .guard = &w.guard, .metrics = w.metrics, .queue = 64};
    *state = &w;
    return tl_miner_open(&w.miner, &params, &diag);
}

static int tear_down(void **state)
{
    World *w = *state;
    tl_miner_close(&w->miner);
    tl_metrics_destroy(&w->metrics);
    tl_stake_table_destroy(&w->gate.stakes);
    tl_nonce_store_destroy(&w->gate.nonces);
    unlink(w->player);
    unlink(w->pitch);
    return rmdir(w->folder);
}

static TlServer *open_server(World *w, double request_limit_s)
{
    TlServer *server = NULL;
    TlDiag diag = {0};
    TlServerParams params = {.listen = "127.0.0.1:0",
                             .gate = &w->gate,
                             .miner = w->miner,
                             .metrics = w->metrics,
                             .request_limit_s = request_limit_s};
    assert_int_equal(tl_server_open(&server, &params, &diag), TL_OK);
    assert_in_range(tl_server_port(server), 1, 65535);
    return server;
}

static int connect_to(const TlServer *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)tl_server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

// 1 when the other side has closed; whatever it sent before is dropped.
static int is_closed(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char data[4096];
    while (poll(&p, 1, 0) > 0) {
        ssize_t n = recv(fd, data, sizeof data, 0);
        if (n <= 0)
            return 1;
    }
    return 0;
}

// A byte of a header every 50 ms keeps the idle time-out away, but not the limit of the whole request.
static void drips_end(void **state)
{
    TlServer *server = open_server(*state, 1);
    static const char request[] = "POST /soccer/challenge HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    int fd = connect_to(server), closed = 0;
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    int64_t begin = tl_now_us();
    while (!closed && tl_now_us() - begin < 12000000) {
        (void)!send(fd, "y", 1, MSG_NOSIGNAL);
        usleep(50000);
        tl_server_sweep(server);
        closed = is_closed(fd);
    }
    assert_true(closed);
    assert_true(tl_now_us() - begin > 500000);
    close(fd);
    tl_server_close(&server);
}

static void a_kept_connection_is_not_swept(void **state)
{
    TlServer *server = open_server(*state, 1);
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = connect_to(server);
    char data[4096];
    for (int i = 0; i < 6; i++) { // each request begins the time anew
        assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
        assert_true(recv(fd, data, sizeof data, 0) > 0);
        assert_memory_equal(data, "HTTP/1.1 200", 12);
        usleep(300000);
        tl_server_sweep(server);
    }
    close(fd);
    tl_server_close(&server);
}

static void addresses(void **state)
{
    World *w = *state;
    static const char *bad[] = {"",           "7999",    "localhost",      "127.0.0.1",
                                "127.0.0.1:", "name:80", "127.0.0.1:http", "300.1.1.1:1"};
    TlServerParams params = {.gate = &w->gate, .miner = w->miner, .metrics = w->metrics};
    TlServer *server = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        TlDiag diag = {0};
        params.listen = bad[i];
        assert_int_equal(tl_server_open(&server, &params, &diag), TL_EUSAGE);
        assert_null(server);
        assert_true(diag.text[0]);
    }
    server = open_server(w, 0);
    char taken[64];
    TlDiag diag = {0};
    TlServer *second = NULL;
    snprintf(taken, sizeof taken, "127.0.0.1:%d", tl_server_port(server));
    params.listen = taken;
    assert_int_equal(tl_server_open(&second, &params, &diag), TL_EDENIED);
    assert_null(second);
    tl_server_close(&server);
    tl_server_close(&server);
}

// Connections beyond the limit wait in the kernel's queue until the oldest have made room.
static void room(void **state)
{
    World *w = *state;
    enum { ROOM = 4, MORE = 3 };
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    int fds[ROOM + MORE];
    char data[4096];
    TlServer *server = NULL;
    TlDiag diag = {0};
    TlServerParams params = {
        .listen = "127.0.0.1:0", .gate = &w->gate, .miner = w->miner, .metrics = w->metrics, .connections = ROOM};
    assert_int_equal(tl_server_open(&server, &params, &diag), TL_OK);
    for (int i = 0; i < ROOM + MORE; i++) {
        fds[i] = connect_to(server);
        assert_int_equal(send(fds[i], request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
        assert_true(recv(fds[i], data, sizeof data, 0) > 0);
        assert_memory_equal(data, "HTTP/1.1 200", 12);
    }
    for (int i = 0; i < MORE; i++)
        assert_true(recv(fds[i], data, sizeof data, 0) <= 0);
    struct pollfd kept = {.fd = fds[MORE], .events = POLLIN};
    assert_int_equal(poll(&kept, 1, 200), 0);
    for (int i = 0; i < ROOM + MORE; i++)
        close(fds[i]);
    tl_server_close(&server);
}

// Limited by its own address, although it comes as ::ffff:127.0.0.1.
static void both_families(void **state)
{
    World *w = *state;
    static const char request[] = "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char data[4096];
    TlServer *server = NULL;
    TlDiag diag = {0};
    TlServerParams params = {
        .listen = "[::]:0", .gate = &w->gate, .miner = w->miner, .metrics = w->metrics, .refusals = 3};
    if (tl_server_open(&server, &params, &diag) < 0)
        skip(); // no IPv6 here
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(server);
        assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
        assert_true(recv(fd, data, sizeof data, 0) > 0);
        assert_memory_equal(data, "HTTP/1.1 404", 12);
        close(fd);
    }
    int fd = connect_to(server);
    assert_true(recv(fd, data, sizeof data, 0) <= 0);
    close(fd);
    tl_server_close(&server);
    tl_server_close(&server);
}

static int g_done_status[80], g_done;

static void on_done(void *opaque, TlReply *reply)
{
    (void)opaque;
    g_done_status[g_done++] = reply->status;
    tl_strbuf_deinit(&reply->body);
}

static const TlMinerClient g_client = {.done = on_done};

// All that was accepted before the stop is finished, in order; afterwards nothing is taken.
static void stop_finishes_what_waits(void **state)
{
    World *w = *state;
    static TlChallenge challenge;
    int accepted = 0, ret;
    snprintf(challenge.id, sizeof challenge.id, "1");
    snprintf(challenge.video_url, sizeof challenge.video_url, "http://127.0.0.1:1/refused.mp4");
    for (int i = 0; i < 70; i++) {
        ret = tl_miner_submit(w->miner, &challenge, 0, tl_now_us(), &g_client);
        assert_true(ret == TL_OK || ret == TL_ELIMIT);
        accepted += ret == TL_OK;
    }
    assert_true(accepted >= 64);
    tl_miner_stop(w->miner);
    assert_int_equal(g_done, accepted);
    for (int i = 0; i < accepted; i++)
        assert_int_equal(g_done_status[i], 400);
    assert_int_equal(tl_miner_submit(w->miner, &challenge, 0, tl_now_us(), &g_client), TL_EINTERRUPTED);
    assert_false(tl_miner_busy(w->miner));
    tl_miner_stop(w->miner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drips_end),     cmocka_unit_test(a_kept_connection_is_not_swept),
        cmocka_unit_test(addresses),     cmocka_unit_test(room),
        cmocka_unit_test(both_families), cmocka_unit_test(stop_finishes_what_waits)};
    if (tl_sr25519_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
