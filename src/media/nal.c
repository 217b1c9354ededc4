// NAL unit headers of H.264 (ITU-T H.264, 7.3.1 and table 7-1) and HEVC (ITU-T H.265, 7.3.1.2 and table 7-1).
//
// In: a packet. Out: whether the decoder may go without it. H.264 says so in nal_ref_idc; HEVC in the unit type: the
// "_N" types are not referred to within their temporal sub-layer, so in the highest one by nobody. Decides for "no"
// whenever something is unusual: a needless decode costs a millisecond, a needed picture dropped spoils the rest.
#include "media/nal.h"

enum { H264_SLICE = 1, H264_IDR = 5, H264_SEI = 6, H264_DELIMITER = 9, H264_FILLER = 12 };
enum {
    HEVC_RADL_N = 6,
    HEVC_IDR_W_RADL = 19,
    HEVC_IDR_N_LP = 20,
    HEVC_SPS = 33,
    HEVC_DELIMITER = 35,
    HEVC_FILLER = 38,
    HEVC_SEI = 39,
    HEVC_SEI_SUFFIX = 40
};

// Walks NAL units. Legal as {format, data, size, 0}.
typedef struct NalWalk {
    int length_size;
    const uint8_t *data;
    size_t size, position;
} NalWalk;

// Position behind the next start code 00 00 01, or size.
static size_t after_start_code(const uint8_t *data, size_t size, size_t from)
{
    for (size_t i = from; i + 3 <= size; i++)
        if (!data[i] && !data[i + 1] && data[i + 2] == 1)
            return i + 3;
    return size;
}

// 1 with the next unit's bytes (header included), 0 at the end, -1 when a length points outside the packet. With start
// codes the size is that to the end of the packet: callers look at headers only.
static int next_unit(NalWalk *walk, const uint8_t **unit, size_t *unit_size)
{
    size_t length = 0;

    if (!walk->length_size) {
        size_t start = after_start_code(walk->data, walk->size, walk->position);
        if (start >= walk->size)
            return 0;
        *unit = walk->data + start;
        *unit_size = walk->size - start;
        walk->position = start;
        return 1;
    }
    if (walk->position == walk->size)
        return 0;
    if (walk->size - walk->position < (size_t)walk->length_size)
        return -1;
    for (int i = 0; i < walk->length_size; i++)
        length = length << 8 | walk->data[walk->position++];
    if (!length || length > walk->size - walk->position)
        return -1;
    *unit = walk->data + walk->position;
    *unit_size = length;
    walk->position += length;
    return 1;
}

// Highest temporal sub-layer of a sequence parameter set: sps_max_sub_layers_minus1 follows the two bytes of header and
// the 4 bits of the video parameter set's number (H.265, 7.3.2.2.1). -1 for any other unit.
static int sps_max_temporal_id(const uint8_t *unit, size_t size)
{
    if (size < 3 || (unit[0] >> 1 & 63) != HEVC_SPS)
        return -1;
    int max_id = unit[2] >> 1 & 7;
    return max_id <= 6 ? max_id : -1;
}

static int annexb_max_temporal_id(const uint8_t *data, size_t size)
{
    NalWalk walk = {0, data, size, 0};
    const uint8_t *unit;
    size_t unit_size;
    int max_id = -1;

    while (max_id < 0 && next_unit(&walk, &unit, &unit_size) > 0)
        max_id = sps_max_temporal_id(unit, unit_size);
    return max_id;
}

// hvcC: arrays of units of one type from byte 22 on, each unit behind a 16-bit length (ISO/IEC 14496-15, 8.3.3.1.2).
static int hvcc_max_temporal_id(const uint8_t *data, size_t size)
{
    size_t at = 23;

    for (int array = 0; array < data[22] && at + 3 <= size; array++) {
        int count = data[at + 1] << 8 | data[at + 2];
        at += 3;
        for (int i = 0; i < count && at + 2 <= size; i++) {
            size_t length = (size_t)data[at] << 8 | data[at + 1];
            at += 2;
            if (length > size - at)
                return -1;
            int max_id = sps_max_temporal_id(data + at, length);
            if (max_id >= 0)
                return max_id;
            at += length;
        }
    }
    return -1;
}

void tl_nal_format_init(TlNalFormat *format, int codec, const uint8_t *extradata, size_t size)
{
    *format = (TlNalFormat){.max_temporal_id = -1};
    if (codec == TL_NAL_NONE || !extradata || size < 7)
        return;
    int is_annexb = !extradata[0] && !extradata[1] && (extradata[2] == 1 || (!extradata[2] && extradata[3] == 1));
    if (!is_annexb && extradata[0] != 1)
        return;
    if (codec == TL_NAL_HEVC && !is_annexb && size < 23)
        return;
    if (!is_annexb)
        format->length_size = (extradata[codec == TL_NAL_HEVC ? 21 : 4] & 3) + 1;
    if (codec == TL_NAL_HEVC)
        format->max_temporal_id =
            is_annexb ? annexb_max_temporal_id(extradata, size) : hvcc_max_temporal_id(extradata, size);
    format->codec = codec;
}

// -1 needed, 0 no picture data, 1 a slice nobody refers to.
static int classify_h264(const uint8_t *unit)
{
    int type = unit[0] & 31, ref_idc = unit[0] >> 5 & 3;

    if (unit[0] & 0x80)
        return -1;
    if (type == H264_SLICE)
        return ref_idc ? -1 : 1;
    return type == H264_SEI || type == H264_DELIMITER || type == H264_FILLER ? 0 : -1;
}

static int classify_hevc(const uint8_t *unit, size_t size, int max_temporal_id)
{
    if (size < 2 || unit[0] & 0x80)
        return -1;
    int type = unit[0] >> 1 & 63, layer = (unit[0] & 1) << 5 | unit[1] >> 3, temporal_id = (unit[1] & 7) - 1;
    if (layer)
        return -1;
    if (type == HEVC_DELIMITER || type == HEVC_FILLER || type == HEVC_SEI || type == HEVC_SEI_SUFFIX)
        return 0;
    // TRAIL_N, TSA_N, STSA_N, RADL_N. RASL_N (8) is left out: decoders may drop it of their own accord.
    if (type <= HEVC_RADL_N && type % 2 == 0 && max_temporal_id >= 0 && temporal_id == max_temporal_id)
        return 1;
    return -1;
}

int tl_nal_is_droppable(const TlNalFormat *format, const uint8_t *data, size_t size)
{
    NalWalk walk = {format->length_size, data, size, 0};
    const uint8_t *unit;
    size_t unit_size;
    int slices = 0, more;

    if (format->codec == TL_NAL_NONE || !data)
        return 0;
    while ((more = next_unit(&walk, &unit, &unit_size)) > 0) {
        int kind = format->codec == TL_NAL_H264 ? classify_h264(unit)
                                                : classify_hevc(unit, unit_size, format->max_temporal_id);
        if (kind < 0)
            return 0;
        slices += kind;
    }
    return more == 0 && slices > 0;
}

int tl_nal_is_idr(const TlNalFormat *format, const uint8_t *data, size_t size)
{
    NalWalk walk = {format->length_size, data, size, 0};
    const uint8_t *unit;
    size_t unit_size;

    if (format->codec == TL_NAL_NONE || !data)
        return 0;
    while (next_unit(&walk, &unit, &unit_size) > 0) {
        int type = format->codec == TL_NAL_H264 ? unit[0] & 31 : unit[0] >> 1 & 63;
        if (format->codec == TL_NAL_H264 ? type == H264_IDR : type == HEVC_IDR_W_RADL || type == HEVC_IDR_N_LP)
            return 1;
    }
    return 0;
}
