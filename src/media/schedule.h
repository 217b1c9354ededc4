// Presentation order of packets that are read in decoding order, and which of them may be left out.
//
// A packet's frame index is the number of frames shown before it. Packets come in decoding order, so that number is
// known only once no earlier-shown packet can follow: when the decoding time of something read has reached the packet's
// presentation time (a picture is never shown before it is decoded, so all that follows is shown later). The schedule
// keeps the frames between decoder and delivery sorted by presentation time and says when a left-out one has its turn.
// Pure bookkeeping: knows nothing of libav, allocates nothing. Thread-safety: one thread at a time.
#ifndef TL_MEDIA_SCHEDULE_H
#define TL_MEDIA_SCHEDULE_H

#include <stdint.h>

enum { TL_SCHEDULE_SIZE = 128 };
#define TL_NO_TIME INT64_MIN // the same as AV_NOPTS_VALUE

// SPARE: sent because somebody wants it; it could have been dropped.
enum TlScheduleState { TL_FRAME_UNDECIDED = 0, TL_FRAME_SENT, TL_FRAME_SPARE, TL_FRAME_DROPPED };

typedef struct TlScheduleEntry {
    int64_t pts;
    int32_t epoch; ///< grows when time jumps backwards (joined streams)
    uint8_t state;
} TlScheduleEntry;

// Zeroed = empty.
typedef struct TlSchedule {
    TlScheduleEntry entries[TL_SCHEDULE_SIZE]; ///< by epoch, then pts; equal ones in the order read
    int count;
    int32_t epoch;
    int has_dts, at_end;
    int64_t max_dts;    ///< of this epoch
    int64_t next_index; ///< frame index of entries[0]
    int is_open;        ///< frames may be dropped
    int has_taken;
    int32_t taken_epoch;
    int64_t taken_pts; ///< last frame that left, for packets that come too late
    int is_spare;      ///< ... and whether it could have been dropped
} TlSchedule;

// A packet in decoding order. dts may be TL_NO_TIME, pts may not. Returns the epoch, which with pts names the entry.
int32_t tl_schedule_add(TlSchedule *schedule, int64_t pts, int64_t dts);

// From here on frames may be dropped: the decoder is certain to give out every frame that follows. What is dropped
// before the first one taken is not counted.
void tl_schedule_permit(TlSchedule *schedule);

// No packet will follow: every index is known.
void tl_schedule_end(TlSchedule *schedule);

enum { TL_INDEX_LATER = -1 /* read on */, TL_INDEX_NEVER = -2 /* decode it */ };

// Frame index of an undecided entry when it is known and the entry could still be dropped in order, else one of the
// above. The very first frame is never dropped: it tells the size of all.
int64_t tl_schedule_index(const TlSchedule *schedule, int32_t epoch, int64_t pts);

// What became of the first undecided entry of that name: SENT to the decoder, SPARE or DROPPED.
void tl_schedule_decide(TlSchedule *schedule, int32_t epoch, int64_t pts, int state);

// Takes the next frame off when it is a dropped one: 1 with its pts and index, else 0.
int tl_schedule_take_dropped(TlSchedule *schedule, int64_t *pts, int64_t *index);

// A frame with this pts came out of the decoder. 1: it is its turn and *index is its number; sent frames before it are
// taken as lost and not counted. 0: dropped frames come first, take them and ask again. An unknown pts has its turn at
// once.
int tl_schedule_take_frame(TlSchedule *schedule, int64_t pts, int64_t *index);

// The decoder is drained: sent frames still in the list are lost. Only dropped ones remain.
void tl_schedule_forget_sent(TlSchedule *schedule);

#endif
