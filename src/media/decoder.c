// Packets in, pictures out in presentation order.
//
// The ordinary way: av_read_frame -> avcodec_send_packet -> avcodec_receive_frame, frame threads, nothing copied. When
// the caller can do without some frames (params.want), packets pass through a short queue until their frame index is
// known (schedule.c), and those of unwanted pictures that no other picture refers to (nal.c) are thrown away undecoded.
// Opening is in decoder_open.c.
#include "media/decoder.h"

#include <stdio.h>

#include "media/container.h"
#include "media/libav.h"

enum {
    READ_FAILURES_MAX = 1000, // in a row; a demuxer that does not move on is stopped
    SETTLED_PACKETS = 2 * TL_DECODE_THREADS_MAX + TL_WAITING_MAX, // more than decoder and queue hold
    HOPELESS_PACKETS = 2000,  // without a first picture: more than any distance of key frames
    DAMAGED_TAIL_ERRORS = 16, // decoder errors after the last picture: the rest of the stream is lost
    DRAIN_ERRORS_MAX = 1000,
};

// Reads the next packet of the stream into decoder->packet. 0 at the end, whatever ended it.
static int read_packet(TlDecoder *decoder)
{
    while (!decoder->at_end) {
        int ret = av_read_frame(decoder->format, decoder->packet);
        if (ret >= 0) {
            decoder->reads_failed = 0;
            if (decoder->packet->stream_index == decoder->stream->index) {
                decoder->packets++;
                decoder->last_is_cut = (decoder->packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
                return 1;
            }
            av_packet_unref(decoder->packet);
            continue;
        }
        if (tl_source_at_end(&decoder->source, ret))
            ret = AVERROR_EOF;
        int is_over = ret == AVERROR_EOF || ret == AVERROR_EXIT || tl_source_error(&decoder->source);
        if (ret != AVERROR_EOF && ret != AVERROR(EAGAIN)) {
            decoder->read_error = ret;
            decoder->reads_failed++;
        }
        if (is_over || decoder->reads_failed > READ_FAILURES_MAX || tl_source_is_cancelled(&decoder->source))
            decoder->at_end = 1;
    }
    return 0;
}

static int send_packet(TlDecoder *decoder, const AVPacket *packet)
{
    int ret = avcodec_send_packet(decoder->codec, packet);

    if (ret < 0 && ret != AVERROR_EOF)
        decoder->errors_in_row++;
    return ret == AVERROR(ENOMEM) ? TL_ENOMEM : TL_OK;
}

// Frames may be dropped once the decoder is known to give out all that follows. A stream that begins with an IDR
// picture is safe from the start. Otherwise (joined in the middle of a broadcast) only the decoder knows where it
// begins: wait for its first picture, and for so many packets after a key frame that the moment is the same for any
// number of threads.
static void permit_dropping(TlDecoder *decoder, const AVPacket *packet)
{
    if (decoder->packets == 1 && tl_nal_is_idr(&decoder->nal, packet->data, (size_t)packet->size))
        tl_schedule_permit(&decoder->schedule);
    if (packet->flags & AV_PKT_FLAG_KEY || decoder->packets_since_key)
        decoder->packets_since_key++;
    if (decoder->packets_since_key > SETTLED_PACKETS && decoder->frames)
        tl_schedule_permit(&decoder->schedule);
}

// Queues decoder->packet for a decision.
static void enqueue(TlDecoder *decoder)
{
    int slot = (decoder->waiting_first + decoder->waiting_count++) % TL_WAITING_MAX;
    TlWaiting *waiting = &decoder->waiting[slot];

    av_packet_move_ref(waiting->packet, decoder->packet);
    const AVPacket *packet = waiting->packet;
    permit_dropping(decoder, packet);
    waiting->pts = packet->pts;
    waiting->is_droppable = 0;
    // Packets outside the edit list are decoded for others' sake and never shown.
    waiting->is_scheduled = packet->pts != AV_NOPTS_VALUE && !(packet->flags & AV_PKT_FLAG_DISCARD);
    if (!waiting->is_scheduled)
        return;
    waiting->epoch = tl_schedule_add(&decoder->schedule, packet->pts, packet->dts);
    waiting->is_droppable = !(packet->flags & AV_PKT_FLAG_CORRUPT) && packet->size > 0 &&
                            tl_nal_is_droppable(&decoder->nal, packet->data, (size_t)packet->size);
}

// Sends or drops the first packet of the queue. 1 when more packets must be read first.
static int decide_first(TlDecoder *decoder, int *ret)
{
    TlWaiting *waiting = &decoder->waiting[decoder->waiting_first];
    int state = TL_FRAME_SENT;

    if (waiting->is_droppable) {
        int64_t index = tl_schedule_index(&decoder->schedule, waiting->epoch, waiting->pts);
        if (index == TL_INDEX_LATER && decoder->waiting_count < TL_WAITING_MAX)
            return 1;
        if (index >= 0)
            state = decoder->params.want(decoder->params.want_opaque, index) ? TL_FRAME_SPARE : TL_FRAME_DROPPED;
    }
    if (waiting->is_scheduled)
        tl_schedule_decide(&decoder->schedule, waiting->epoch, waiting->pts, state);
    if (state != TL_FRAME_DROPPED)
        *ret = send_packet(decoder, waiting->packet);
    av_packet_unref(waiting->packet);
    decoder->waiting_first = (decoder->waiting_first + 1) % TL_WAITING_MAX;
    decoder->waiting_count--;
    return 0;
}

// Gives the decoder something to do: one packet or, at the end, the order to hand out what it holds.
static int feed(TlDecoder *decoder)
{
    int ret = TL_OK;

    for (;;) {
        if (decoder->waiting_count && !decide_first(decoder, &ret))
            return ret;
        if (!decoder->frames && !decoder->has_picture && decoder->packets > HOPELESS_PACKETS)
            decoder->at_end = 1;
        if (!read_packet(decoder))
            break;
        if (!decoder->can_skip) {
            ret = send_packet(decoder, decoder->packet);
            av_packet_unref(decoder->packet);
            return ret;
        }
        enqueue(decoder);
    }
    tl_schedule_end(&decoder->schedule);
    if (decoder->waiting_count)
        return TL_OK; // all indices are known now: the next call decides
    decoder->is_draining = 1;
    return send_packet(decoder, NULL);
}

// An MP4 whose index came after the data, from a source that cannot go back to it.
static int index_is_behind(const TlDecoder *decoder)
{
    const TlSource *source = &decoder->source;
    int64_t begin, end;

    if (!source->is_mp4 || source->can_seek || source->error || decoder->packets >= decoder->stream->nb_frames)
        return 0;
    return tl_decoder_data_range(decoder, &begin, &end) && begin < decoder->head_end;
}

// The index promises data that the file does not have. libav tells the end of the file within a frame from the end of
// the last frame only by chance, so its word is not enough.
static int lacks_data(const TlDecoder *decoder)
{
    AVIOContext *pb = decoder->source.pb;
    int64_t begin, end, size = decoder->source.can_seek ? avio_size(pb) : pb->bytes_read;

    return size > 0 && tl_decoder_data_range(decoder, &begin, &end) && end > size;
}

// Why there is no further picture: the plain end, or what went wrong, in one sentence.
static int explain_end(TlDecoder *decoder, TlDiag *diag)
{
    const char *name = decoder->source.name;
    long long frames = decoder->frames, expected = tl_decoder_frame_count(decoder);
    char progress[80];

    if (expected > frames)
        snprintf(progress, sizeof progress, "%lld of about %lld frame%s", frames, expected, expected == 1 ? "" : "s");
    else
        snprintf(progress, sizeof progress, "%lld frame%s", frames, frames == 1 ? "" : "s");
    if (tl_source_is_cancelled(&decoder->source))
        return tl_fail(diag, TL_EINTERRUPTED, "interrupted after %s of %s", progress, name);
    if (index_is_behind(decoder))
        return tl_fail(diag, TL_EFORMAT,
                       "%s is an MP4 with its index at the end: it can be read from a file or a server with range "
                       "requests, not from a stream",
                       name);
    if (tl_source_error(&decoder->source))
        return tl_fail(diag, tl_source_error(&decoder->source), "reading %s failed after %s", name, progress);
    if (!frames && decoder->picture_too_large)
        return tl_fail(diag, TL_ELIMIT, "the picture of %s is larger than %d megapixels", name,
                       TL_PIXELS_MAX / 1000000);
    int is_cut = decoder->reads_failed > 0 || decoder->last_is_cut || lacks_data(decoder) ||
                 tl_container_is_short(&decoder->source);
    if (is_cut)
        return tl_fail(diag, TL_ETRUNCATED, "%s is cut off: stopped after %s", name, progress);
    if (frames && decoder->errors_in_row >= DAMAGED_TAIL_ERRORS)
        return tl_fail(diag, TL_ETRUNCATED, "%s is damaged: stopped after %s", name, progress);
    if (!frames && decoder->packets)
        return tl_fail(diag, TL_EFORMAT, "no picture in %s can be decoded: it is damaged or not what its name says",
                       name);
    if (!frames)
        return tl_fail(diag, TL_EEMPTY, "there is no frame in %s", name);
    return TL_EOF;
}

// Asks the decoder for a picture. 1 got one, 0 not now, negative: fatal or TL_EOF.
static int receive(TlDecoder *decoder, TlDiag *diag)
{
    int ret = avcodec_receive_frame(decoder->codec, decoder->picture);

    if (ret >= 0) {
        decoder->has_picture = 1;
        decoder->errors_in_row = 0;
        return 1;
    }
    if (ret == AVERROR(ENOMEM))
        return tl_fail(diag, TL_ENOMEM, "out of memory while decoding %s", decoder->source.name);
    if (ret == AVERROR_EOF)
        return TL_EOF;
    if (ret == AVERROR(EAGAIN))
        return decoder->is_draining ? TL_EOF : 0;
    decoder->errors_in_row++;
    return decoder->is_draining && decoder->errors_in_row > DRAIN_ERRORS_MAX ? TL_EOF : 0;
}

// Hands out what has its turn without decoding anything. 1 handed out.
static int deliver(TlDecoder *decoder, AVFrame *picture, int64_t *pts)
{
    int64_t index;

    if (!tl_schedule_take_dropped(&decoder->schedule, pts, &index)) {
        if (!decoder->has_picture)
            return 0;
        if (decoder->can_skip && !tl_schedule_take_frame(&decoder->schedule, decoder->picture->pts, &index)) {
            tl_schedule_take_dropped(&decoder->schedule, pts, &index);
        } else {
            *pts = decoder->picture->best_effort_timestamp;
            av_frame_move_ref(picture, decoder->picture);
            decoder->has_picture = 0;
        }
    }
    decoder->frames++;
    return 1;
}

int tl_decoder_next(TlDecoder *decoder, AVFrame *picture, int64_t *pts, TlDiag *diag)
{
    for (;;) {
        if (tl_source_is_cancelled(&decoder->source))
            return explain_end(decoder, diag);
        if (deliver(decoder, picture, pts))
            return TL_OK;
        int ret = receive(decoder, diag);
        if (ret == TL_EOF) {
            tl_schedule_forget_sent(&decoder->schedule);
            return deliver(decoder, picture, pts) ? TL_OK : explain_end(decoder, diag);
        }
        if (ret == 0)
            ret = decoder->is_draining ? TL_OK : feed(decoder);
        if (ret < 0)
            return tl_fail(diag, ret, "out of memory while decoding %s", decoder->source.name);
    }
}
