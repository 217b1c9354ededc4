// The schedule against a simulated stream: random reorderings, losses and decisions; the truth is a plain sort.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/schedule.h"

static uint32_t g_seed;

static uint32_t draw(uint32_t below)
{
    g_seed = g_seed * 1664525 + 1013904223;
    return (g_seed >> 8) % below;
}

typedef struct Packet {
    int64_t pts, dts;
    int is_droppable, is_lost, state, order; // order: place in presentation
    int32_t epoch;
} Packet;

static int by_pts(const void *a, const void *b)
{
    const Packet *x = a, *y = b;

    return x->pts < y->pts ? -1 : x->pts > y->pts;
}

// Groups of 1 + n pictures, the last one sent first (as B pictures need), the others shuffled when `deep`. Decoding
// times are those of a muxer: ever growing, never after the presentation time.
static int make_stream(Packet *packets, int count, int deep)
{
    int at = 0, delay = 0;
    Packet sorted[256];

    while (at < count) {
        int size = 1 + (int)draw(deep ? 6 : 3);
        if (at + size > count)
            size = count - at;
        int order[8];
        for (int i = 0; i < size; i++)
            order[i] = i;
        for (int i = size - 1; i > 0 && deep; i--) {
            int j = (int)draw((uint32_t)i + 1), swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        for (int i = 0; i < size; i++) {
            int shown = deep ? order[i] : (i ? i - 1 : size - 1);
            packets[at + i] =
                (Packet){.pts = (at + shown) * 10, .is_droppable = size > 1 && i > 0, .order = at + shown};
        }
        at += size;
    }
    for (int i = 0; i < count; i++)
        if (i - packets[i].order > delay)
            delay = i - packets[i].order;
    memcpy(sorted, packets, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, by_pts);
    for (int i = 0; i < count; i++)
        packets[i].dts = (i - delay) * 10;
    return delay;
}

// Plays reader and decoder: at most `held` sent packets stay inside the decoder, which gives out the lowest pts first.
typedef struct Player {
    TlSchedule schedule;
    Packet *inside[300];
    int inside_count;
    int64_t delivered[300]; // pts in the order given out, with the index said for each
    int64_t indices[300];
    int delivered_count;
} Player;

static void note(Player *player, int64_t pts, int64_t index)
{
    player->delivered[player->delivered_count] = pts;
    player->indices[player->delivered_count++] = index;
}

static void take_dropped(Player *player)
{
    int64_t pts, index;

    while (tl_schedule_take_dropped(&player->schedule, &pts, &index))
        note(player, pts, index);
}

static void decoder_output(Player *player)
{
    int best = 0;
    int64_t index;

    for (int i = 1; i < player->inside_count; i++)
        if (player->inside[i]->epoch < player->inside[best]->epoch ||
            (player->inside[i]->epoch == player->inside[best]->epoch &&
             player->inside[i]->pts < player->inside[best]->pts))
            best = i;
    Packet *packet = player->inside[best];
    memmove(player->inside + best, player->inside + best + 1,
            (size_t)(--player->inside_count - best) * sizeof player->inside[0]);
    if (packet->is_lost)
        return;
    while (!tl_schedule_take_frame(&player->schedule, packet->pts, &index))
        take_dropped(player);
    note(player, packet->pts, index);
    take_dropped(player);
}

// `said` receives the index known at the decision, -1 when the packet had to be decoded.
static void play(Player *player, Packet *packets, int count, int held, int64_t *said)
{
    int first = 0, read = 0;

    tl_schedule_permit(&player->schedule);
    while (first < count) {
        if (first < read) {
            Packet *packet = &packets[first];
            int64_t index = packet->is_droppable ? tl_schedule_index(&player->schedule, packet->epoch, packet->pts)
                                                 : TL_INDEX_NEVER;
            if (index != TL_INDEX_LATER || read - first > 30) {
                said[first] = index >= 0 ? index : -1;
                packet->state = index >= 0 && draw(2) ? TL_FRAME_DROPPED : TL_FRAME_SENT;
                tl_schedule_decide(&player->schedule, packet->epoch, packet->pts, packet->state);
                if (packet->state == TL_FRAME_SENT)
                    player->inside[player->inside_count++] = packet;
                first++;
                take_dropped(player);
                while (player->inside_count > held)
                    decoder_output(player);
                continue;
            }
        }
        if (read < count) {
            packets[read].epoch = tl_schedule_add(&player->schedule, packets[read].pts, packets[read].dts);
            read++;
        } else {
            tl_schedule_end(&player->schedule);
        }
    }
    tl_schedule_end(&player->schedule);
    while (player->inside_count)
        decoder_output(player);
    tl_schedule_forget_sent(&player->schedule);
    take_dropped(player);
    assert_int_equal(player->schedule.count, 0);
}

// Every frame exactly once, in presentation order, with the right number; what was said at the decision was right.
static void test_random_streams(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 400; round++) {
        Packet packets[200];
        int64_t said[200];
        int count = 1 + (int)(round % 200), dropped = 0;
        Player player = {0};
        g_seed = round + 1;
        int delay = make_stream(packets, count, round % 3 != 0);
        play(&player, packets, count, delay + 1 + (int)draw(4), said);
        assert_int_equal(player.delivered_count, count);
        for (int i = 0; i < count; i++) {
            assert_int_equal(player.delivered[i], i * 10);
            assert_int_equal(player.indices[i], i);
            if (said[i] >= 0)
                assert_int_equal(said[i], packets[i].order);
            dropped += packets[i].state == TL_FRAME_DROPPED;
        }
        if (count > 100)
            assert_true(dropped > count / 10); // most decisions are possible at all
    }
}

// Frames that the decoder swallows are not counted: those after them move up.
static void test_losses(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 200; round++) {
        Packet packets[150];
        int64_t said[150], expected = 0;
        Player player = {0};
        g_seed = round + 7;
        int delay = make_stream(packets, 150, 1);
        for (int i = 20; i < 150; i++)
            packets[i].is_lost = draw(10) == 0;
        play(&player, packets, 150, delay + 2, said);
        for (int i = 0; i < player.delivered_count; i++) {
            assert_int_equal(player.indices[i], i);
            assert_true(!i || player.delivered[i] > player.delivered[i - 1]);
        }
        for (int i = 0; i < 150; i++)
            expected += packets[i].state == TL_FRAME_DROPPED || !packets[i].is_lost;
        assert_int_equal(player.delivered_count, expected);
    }
}

// Two streams joined: time begins anew, order and numbers go on.
static void test_time_jumps_back(void **state)
{
    Packet packets[120];
    int64_t said[120];
    Player player = {0};

    (void)state;
    g_seed = 3;
    int first = make_stream(packets, 60, 0), second = make_stream(packets + 60, 60, 0);
    play(&player, packets, 120, (first > second ? first : second) + 1, said);
    assert_int_equal(player.delivered_count, 120);
    for (int i = 0; i < 120; i++) {
        assert_int_equal(player.delivered[i], i % 60 * 10);
        assert_int_equal(player.indices[i], i);
    }
}

// The rules of what can be dropped, one by one.
static void test_what_may_be_dropped(void **state)
{
    TlSchedule schedule = {0};
    int64_t index;

    (void)state;
    int32_t epoch = tl_schedule_add(&schedule, 0, 0);
    tl_schedule_add(&schedule, 5, 5);
    assert_int_equal(tl_schedule_index(&schedule, epoch, 5), TL_INDEX_NEVER); // not yet permitted
    tl_schedule_permit(&schedule);
    assert_int_equal(tl_schedule_index(&schedule, epoch, 5), 1);
    assert_int_equal(tl_schedule_index(&schedule, epoch, 0), TL_INDEX_NEVER); // the first one
    tl_schedule_decide(&schedule, epoch, 0, TL_FRAME_SENT);
    tl_schedule_decide(&schedule, epoch, 5, TL_FRAME_SENT);
    assert_int_equal(tl_schedule_take_frame(&schedule, 0, &index), 1);
    assert_int_equal(index, 0);
    tl_schedule_add(&schedule, 20, 10);
    assert_int_equal(tl_schedule_index(&schedule, epoch, 20), TL_INDEX_LATER); // 15 may still come
    tl_schedule_add(&schedule, 15, 15);
    assert_int_equal(tl_schedule_index(&schedule, epoch, 15), 2);
    assert_int_equal(tl_schedule_index(&schedule, epoch, 20), TL_INDEX_LATER);
    tl_schedule_end(&schedule);
    assert_int_equal(tl_schedule_index(&schedule, epoch, 20), 3);
    assert_int_equal(tl_schedule_index(&schedule, epoch, 99), TL_INDEX_NEVER); // unknown
    tl_schedule_add(&schedule, -5, 16);                                        // shown before what is out already
    assert_int_equal(tl_schedule_index(&schedule, epoch, -5), TL_INDEX_NEVER);
}

// The decoder loses its first frames: what was dropped before its first one is not counted.
static void test_lost_start(void **state)
{
    TlSchedule schedule = {0};
    int64_t pts, index;

    (void)state;
    tl_schedule_permit(&schedule);
    for (int i = 0; i < 6; i++) {
        tl_schedule_add(&schedule, i, i);
        tl_schedule_decide(&schedule, 0, i, i % 2 ? TL_FRAME_DROPPED : TL_FRAME_SENT);
    }
    while (!tl_schedule_take_frame(&schedule, 4, &index)) // 0 and 2 never come out
        assert_int_equal(tl_schedule_take_dropped(&schedule, &pts, &index), 0);
    assert_int_equal(index, 0);
    assert_int_equal(tl_schedule_take_dropped(&schedule, &pts, &index), 1);
    assert_int_equal(pts, 5);
    assert_int_equal(index, 1);
}

// More frames than fit: the list stays within its bounds and goes on counting.
static void test_overflow(void **state)
{
    static TlSchedule schedule;
    int64_t pts, index, last = -1;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int32_t epoch = tl_schedule_add(&schedule, i, i);
        tl_schedule_decide(&schedule, epoch, i, i % 3 ? TL_FRAME_SENT : TL_FRAME_DROPPED);
        assert_true(schedule.count <= TL_SCHEDULE_SIZE);
    }
    while (schedule.count) {
        if (tl_schedule_take_dropped(&schedule, &pts, &index)) {
            assert_true(index > last);
            last = index;
        }
        tl_schedule_forget_sent(&schedule);
    }
    // Frames nobody announced, and hostile times, are simply numbered on.
    assert_int_equal(tl_schedule_take_frame(&schedule, 123456, &index), 1);
    assert_int_equal(index, last + 1);
    for (int i = 0; i < 5000; i++) {
        int64_t wild = (int64_t)((uint64_t)draw(1u << 20) << (draw(2) * 43)) * (draw(2) ? 1 : -1);
        int32_t epoch = tl_schedule_add(&schedule, wild, draw(4) ? wild - draw(50) : TL_NO_TIME);
        int64_t known = tl_schedule_index(&schedule, epoch, wild);
        tl_schedule_decide(&schedule, epoch, wild, known >= 0 ? TL_FRAME_DROPPED : TL_FRAME_SENT);
        if (draw(2))
            tl_schedule_take_frame(&schedule, wild, &index);
        while (tl_schedule_take_dropped(&schedule, &pts, &index)) {
        }
        assert_true(schedule.count <= TL_SCHEDULE_SIZE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_streams),  cmocka_unit_test(test_losses),
        cmocka_unit_test(test_time_jumps_back), cmocka_unit_test(test_what_may_be_dropped),
        cmocka_unit_test(test_lost_start),      cmocka_unit_test(test_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
