// A sorted list of at most TL_SCHEDULE_SIZE frames between the demuxer and delivery; see schedule.h for the method.
#include "media/schedule.h"

#include <string.h>

static int is_sent(const TlScheduleEntry *entry)
{
    return entry->state == TL_FRAME_SENT || entry->state == TL_FRAME_SPARE;
}

static void remove_entry(TlSchedule *schedule, int i)
{
    schedule->count--;
    memmove(&schedule->entries[i], &schedule->entries[i + 1],
            (size_t)(schedule->count - i) * sizeof schedule->entries[0]);
}

static void insert_entry(TlSchedule *schedule, TlScheduleEntry entry)
{
    int i = schedule->count;

    while (i > 0) {
        const TlScheduleEntry *before = &schedule->entries[i - 1];
        if (before->epoch < entry.epoch || (before->epoch == entry.epoch && before->pts <= entry.pts))
            break;
        i--;
    }
    memmove(&schedule->entries[i + 1], &schedule->entries[i],
            (size_t)(schedule->count - i) * sizeof schedule->entries[0]);
    schedule->entries[i] = entry;
    schedule->count++;
}

// Makes room in a full list: its oldest sent frame never came out of the decoder.
static void forget_oldest_sent(TlSchedule *schedule)
{
    for (int i = 0; i < schedule->count; i++)
        if (is_sent(&schedule->entries[i])) {
            remove_entry(schedule, i);
            return;
        }
    remove_entry(schedule, 0);
}

int32_t tl_schedule_add(TlSchedule *schedule, int64_t pts, int64_t dts)
{
    if (dts != TL_NO_TIME) {
        if (schedule->has_dts && dts < schedule->max_dts) {
            schedule->epoch++;
            schedule->has_dts = 0;
        }
        if (!schedule->has_dts || dts > schedule->max_dts)
            schedule->max_dts = dts;
        schedule->has_dts = 1;
    }
    if (schedule->count == TL_SCHEDULE_SIZE)
        forget_oldest_sent(schedule);
    insert_entry(schedule, (TlScheduleEntry){pts, schedule->epoch, TL_FRAME_UNDECIDED});
    return schedule->epoch;
}

void tl_schedule_permit(TlSchedule *schedule)
{
    schedule->is_open = 1;
}

void tl_schedule_end(TlSchedule *schedule)
{
    schedule->at_end = 1;
}

static int find(const TlSchedule *schedule, int32_t epoch, int64_t pts)
{
    for (int i = 0; i < schedule->count; i++) {
        const TlScheduleEntry *entry = &schedule->entries[i];
        if (entry->epoch == epoch && entry->pts == pts && entry->state == TL_FRAME_UNDECIDED)
            return i;
    }
    return -1;
}

int64_t tl_schedule_index(const TlSchedule *schedule, int32_t epoch, int64_t pts)
{
    int is_known = schedule->at_end || epoch < schedule->epoch || (schedule->has_dts && pts <= schedule->max_dts);
    // When something shown later is out already (broken time stamps) the place is gone.
    int is_late = schedule->has_taken &&
                  (epoch < schedule->taken_epoch || (epoch == schedule->taken_epoch && pts <= schedule->taken_pts));
    int i = find(schedule, epoch, pts);

    if (!schedule->is_open || is_late || i < 0 || (is_known && schedule->next_index + i == 0))
        return TL_INDEX_NEVER;
    return is_known ? schedule->next_index + i : TL_INDEX_LATER;
}

void tl_schedule_decide(TlSchedule *schedule, int32_t epoch, int64_t pts, int state)
{
    int i = find(schedule, epoch, pts);

    if (i >= 0)
        schedule->entries[i].state = (uint8_t)state;
}

static int64_t take(TlSchedule *schedule, int i)
{
    schedule->has_taken = 1;
    schedule->taken_epoch = schedule->entries[i].epoch;
    schedule->taken_pts = schedule->entries[i].pts;
    schedule->is_spare = schedule->entries[i].state == TL_FRAME_SPARE;
    remove_entry(schedule, i);
    return schedule->next_index++;
}

int tl_schedule_take_dropped(TlSchedule *schedule, int64_t *pts, int64_t *index)
{
    // The decoder lost its first frames, so these were never to be seen either.
    while (!schedule->next_index && schedule->count && schedule->entries[0].state == TL_FRAME_DROPPED)
        remove_entry(schedule, 0);
    if (!schedule->count || schedule->entries[0].state != TL_FRAME_DROPPED)
        return 0;
    *pts = schedule->entries[0].pts;
    *index = take(schedule, 0);
    return 1;
}

int tl_schedule_take_frame(TlSchedule *schedule, int64_t pts, int64_t *index)
{
    int match = 0;

    while (match < schedule->count && (!is_sent(&schedule->entries[match]) || schedule->entries[match].pts != pts))
        match++;
    if (match == schedule->count) {
        *index = schedule->next_index++;
        schedule->is_spare = 0;
        return 1;
    }
    for (int i = 0; i < match;) {
        if (schedule->entries[i].state == TL_FRAME_SENT) {
            remove_entry(schedule, i); // lost in the decoder
            match--;
        } else if (schedule->entries[i].state == TL_FRAME_DROPPED && i == 0) {
            return 0;
        } else {
            i++; // undecided before decoded: broken time stamps
        }
    }
    *index = take(schedule, match);
    return 1;
}

void tl_schedule_forget_sent(TlSchedule *schedule)
{
    for (int i = schedule->count - 1; i >= 0; i--)
        if (schedule->entries[i].state != TL_FRAME_DROPPED)
            remove_entry(schedule, i);
}
