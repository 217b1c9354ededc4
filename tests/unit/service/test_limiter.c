// The table of limited addresses under a clock of the test's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sodium.h>

#include "base/mem.h"
#include "limiter.h"

enum { SECOND = 1000000 };

static TlLimiterKey key_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        storage.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        storage.ss_family = AF_INET6;
    else
        fail_msg("%s is no address", text);
    return tl_limiter_key((const struct sockaddr *)&storage);
}

static void is_text(const char *address, const char *expected)
{
    char text[TL_LIMITER_TEXT];
    tl_limiter_key_text(key_of(address), text);
    assert_string_equal(text, expected);
}

static void keys(void **state)
{
    (void)state;
    assert_true(key_of("192.0.2.1") == 0xc0000201);
    assert_true(key_of("192.0.2.1") != key_of("192.0.2.2"));
    assert_true(key_of("::ffff:192.0.2.1") == key_of("192.0.2.1")); // a listener on [::] sees it so
    assert_true(key_of("2001:db8:1:2::1") == key_of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_true(key_of("2001:db8:1:2::1") != key_of("2001:db8:1:3::1"));
    is_text("192.0.2.1", "192.0.2.1");
    is_text("255.255.255.255", "255.255.255.255");
    is_text("::ffff:10.0.0.1", "10.0.0.1");
    is_text("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
    is_text("fe80::1", "fe80::/64");
}

// The hundredth at once closes the address for ten seconds, and nobody else.
static void burst(void **state)
{
    (void)state;
    TlLimiter *l = tl_limiter_create(16, 100);
    int64_t now = 5 * SECOND;
    for (int i = 0; i < 99; i++) {
        assert_int_equal(tl_limiter_refused(l, 1, now), 0);
        assert_int_equal(tl_limiter_is_closed(l, 1, now), 0);
    }
    assert_int_equal(tl_limiter_refused(l, 1, now), 1);
    assert_int_equal(tl_limiter_is_closed(l, 1, now), 1);
    assert_int_equal(tl_limiter_is_closed(l, 2, now), 0);
    // What it still sends on connections that it has makes it no longer.
    for (int i = 0; i < 1000; i++)
        assert_int_equal(tl_limiter_refused(l, 1, now + i), 0);
    assert_int_equal(tl_limiter_is_closed(l, 1, now + TL_LIMITER_WINDOW_US - 1), 1);
    assert_int_equal(tl_limiter_is_closed(l, 1, now + TL_LIMITER_WINDOW_US), 0);
    // Then it has everything again.
    now += TL_LIMITER_WINDOW_US;
    for (int i = 0; i < 99; i++)
        assert_int_equal(tl_limiter_refused(l, 1, now), 0);
    assert_int_equal(tl_limiter_refused(l, 1, now), 1);
    tl_limiter_destroy(&l);
    assert_null(l);
}

// Ten a second for ever are let be; eleven a second are not.
static void steady(void **state)
{
    (void)state;
    TlLimiter *l = tl_limiter_create(16, 100);
    int64_t now = 0;
    for (int i = 0; i < 100000; i++, now += SECOND / 10)
        assert_int_equal(tl_limiter_refused(l, 7, now), 0);
    int i = 0;
    now = 0;
    for (; i < 2000 && !tl_limiter_refused(l, 8, now); i++)
        now += SECOND / 11;
    assert_in_range(i, 900, 1200); // the surplus of one in eleven uses up a hundred
    tl_limiter_destroy(&l);
}

static void after_a_pause(void **state)
{
    (void)state;
    TlLimiter *l = tl_limiter_create(16, 10);
    int64_t now = INT64_C(1) << 40;
    for (int round = 0; round < 50; round++) { // 9 at once, then 9 s: never ten
        for (int i = 0; i < 9; i++)
            assert_int_equal(tl_limiter_refused(l, 7, now), 0);
        now += 9 * SECOND;
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(tl_limiter_refused(l, 7, now), 0);
    now += 4 * SECOND; // half of them paid
    for (int i = 0; i < 5; i++)
        assert_int_equal(tl_limiter_refused(l, 7, now), 0);
    assert_int_equal(tl_limiter_refused(l, 7, now), 1);
    tl_limiter_destroy(&l);
}

static void any_number(void **state)
{
    (void)state;
    static const int numbers[] = {1, 2, 3, 7, 999, 1000000};
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
        TlLimiter *l = tl_limiter_create(1, numbers[n]);
        for (int i = 1; i < numbers[n]; i++)
            if (tl_limiter_refused(l, 7, 0))
                fail_msg("closed at %d of %d", i, numbers[n]);
        assert_int_equal(tl_limiter_refused(l, 7, 0), 1);
        tl_limiter_destroy(&l);
    }
}

static void forgiven(void **state)
{
    (void)state;
    TlLimiter *l = tl_limiter_create(2, 3);
    for (int i = 0; i < 100; i++) { // two bad ones for each good one
        assert_int_equal(tl_limiter_refused(l, 7, 0), 0);
        assert_int_equal(tl_limiter_refused(l, 7, 0), 0);
        tl_limiter_forgive(l, 7);
        tl_limiter_forgive(l, 8); // a stranger
    }
    for (int i = 0; i < 3; i++)
        (void)tl_limiter_refused(l, 7, 0);
    assert_int_equal(tl_limiter_is_closed(l, 7, 0), 1);
    tl_limiter_forgive(l, 7);
    assert_int_equal(tl_limiter_is_closed(l, 7, 0), 0);
    tl_limiter_destroy(&l);
}

static void close_address(TlLimiter *l, TlLimiterKey key)
{
    assert_int_equal(tl_limiter_refused(l, key, 0), 0);
    assert_int_equal(tl_limiter_refused(l, key, 0), 1);
}

// A full table forgets who was quiet for longest: knocking counts, being looked up while open does not.
static void full(void **state)
{
    (void)state;
    TlLimiter *l = tl_limiter_create(4, 2);
    for (TlLimiterKey key = 1; key <= 4; key++)
        close_address(l, key);
    assert_int_equal(tl_limiter_is_closed(l, 1, 1), 1); // now 2 is the oldest
    uint64_t before = tl_alloc_count();
    close_address(l, 5);
    assert_int_equal(tl_limiter_is_closed(l, 2, 1), 0);
    close_address(l, 6);
    assert_int_equal(tl_limiter_is_closed(l, 3, 1), 0);
    assert_int_equal(tl_limiter_is_closed(l, 1, 1), 1);
    assert_int_equal(tl_limiter_is_closed(l, 4, 1), 1);
    assert_int_equal(tl_limiter_is_closed(l, 5, 1), 1);
    assert_int_equal(tl_limiter_is_closed(l, 6, 1), 1);
    assert_true(tl_alloc_count() == before);
    tl_limiter_destroy(&l);
}

// Against a list in the order of use.
static void against_a_model(void **state)
{
    (void)state;
    enum { SIZE = 24, KEYS = 60, LIMIT = 4 };
    TlLimiter *l = tl_limiter_create(SIZE, LIMIT);
    struct {
        TlLimiterKey key;
        int count;
    } model[SIZE + 1] = {0};
    int size = 0;
    srand(1);
    for (int i = 0; i < 50000; i++) {
        TlLimiterKey key = ((TlLimiterKey)(rand() % KEYS) << 40) + 1;
        int action = rand() % 8, at = 0;
        while (at < size && model[at].key != key)
            at++;
        if (action == 0) {
            tl_limiter_forgive(l, key);
            if (at < size)
                memmove(&model[at], &model[at + 1], sizeof *model * (size_t)(--size - at));
            continue;
        }
        int is_closed = at < size && model[at].count == LIMIT;
        if (action < 4) {
            assert_int_equal(tl_limiter_is_closed(l, key, 0), is_closed);
            if (!is_closed)
                continue;
        } else {
            assert_int_equal(tl_limiter_refused(l, key, 0), at < size && model[at].count == LIMIT - 1);
        }
        int count = at < size ? model[at].count : 0;
        if (at < size)
            memmove(&model[at], &model[at + 1], sizeof *model * (size_t)(--size - at));
        memmove(&model[1], &model[0], sizeof *model * (size_t)size);
        model[0].key = key;
        model[0].count = count + (action >= 4 && count < LIMIT);
        size = size < SIZE ? size + 1 : SIZE;
    }
    tl_limiter_destroy(&l);
}

static void none(void **state)
{
    (void)state;
    TlLimiter *l = NULL;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(tl_limiter_refused(l, 1, 0), 0);
    assert_int_equal(tl_limiter_is_closed(l, 1, 0), 0);
    tl_limiter_forgive(l, 1);
    tl_limiter_destroy(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),          cmocka_unit_test(burst),           cmocka_unit_test(steady),
        cmocka_unit_test(after_a_pause), cmocka_unit_test(any_number),      cmocka_unit_test(forgiven),
        cmocka_unit_test(full),          cmocka_unit_test(against_a_model), cmocka_unit_test(none)};
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
