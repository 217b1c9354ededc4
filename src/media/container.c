// A second look at a file's outermost boxes. libav reports a missing index as "invalid data" and the early end of a
// Matroska file not at all; a person wants to know that the download was cut.
#include "media/container.h"

#include <libavutil/macros.h>

// ISO/IEC 14496-12, 4.2: 32-bit size, four letters, 64-bit size when the first is 1, 0 = to the end of the file.
int tl_container_mp4_state(TlSource *source)
{
    int64_t size = source->can_seek ? avio_size(source->pb) : -1, at = 0;
    int has_data = 0, is_mp4 = 0;

    for (int boxes = 0; boxes < 1000 && at + 8 <= size; boxes++) {
        if (avio_seek(source->pb, at, SEEK_SET) < 0)
            return TL_MP4_NONE;
        uint64_t length = avio_rb32(source->pb);
        uint32_t type = avio_rl32(source->pb);
        if (length == 1)
            length = avio_rb64(source->pb);
        else if (!length)
            length = (uint64_t)(size - at);
        if (type == MKTAG('f', 't', 'y', 'p') && at == 0)
            is_mp4 = 1;
        else if (type == MKTAG('m', 'd', 'a', 't'))
            has_data = is_mp4 = 1;
        else if (type == MKTAG('m', 'o', 'o', 'v'))
            return length > (uint64_t)(size - at) ? TL_MP4_CUT_INDEX : TL_MP4_WHOLE;
        else if (!is_mp4 && type != MKTAG('f', 'r', 'e', 'e') && type != MKTAG('w', 'i', 'd', 'e') &&
                 type != MKTAG('s', 'k', 'i', 'p'))
            return TL_MP4_NONE;
        if (length < 8 || length > (uint64_t)(size - at))
            break;
        at += (int64_t)length;
    }
    return is_mp4 || has_data ? TL_MP4_NO_INDEX : TL_MP4_NONE;
}

// EBML (RFC 8794): the length of a variable-size number is the number of leading zero bits of its first byte, plus one.
// All value bits set means "unknown". -1 when unknown or malformed.
static int64_t read_ebml_size(AVIOContext *pb)
{
    int first = avio_r8(pb), length = 1;

    while (length <= 8 && !(first & 0x80 >> (length - 1)))
        length++;
    if (length > 8)
        return -1;
    uint64_t value = (uint64_t)first & (0x7f >> (length - 1)), all_set = (1ull << 7 * length) - 1;
    for (int i = 1; i < length; i++)
        value = value << 8 | (uint64_t)avio_r8(pb);
    return value == all_set ? -1 : (int64_t)value;
}

// EBML head, then the segment that holds everything (RFC 9559, 5.1).
static int64_t matroska_end(AVIOContext *pb)
{
    int64_t head = read_ebml_size(pb);

    if (head < 0 || avio_skip(pb, head) < 0 || avio_rb32(pb) != 0x18538067)
        return -1;
    int64_t segment = read_ebml_size(pb), start = avio_tell(pb);
    return segment < 0 || segment > INT64_MAX - start ? -1 : start + segment;
}

int tl_container_is_short(TlSource *source)
{
    int64_t size = source->can_seek ? avio_size(source->pb) : -1, end = -1;

    if (size < 0 || avio_seek(source->pb, 0, SEEK_SET) < 0)
        return 0;
    uint32_t magic = avio_rb32(source->pb);
    if (magic == 0x1a45dfa3)
        end = matroska_end(source->pb);
    else if (magic == MKBETAG('R', 'I', 'F', 'F'))
        end = (int64_t)avio_rl32(source->pb) + 8;
    return end > size;
}
