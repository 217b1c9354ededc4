// Which packets of H.264 and HEVC no other picture refers to, told from the bytes alone.
#ifndef TL_MEDIA_NAL_H
#define TL_MEDIA_NAL_H

#include <stddef.h>
#include <stdint.h>

enum TlNalCodec { TL_NAL_NONE = 0, TL_NAL_H264, TL_NAL_HEVC };

// How the stream's packets are laid out. Legal as {0}: then nothing is ever droppable.
typedef struct TlNalFormat {
    int codec;           ///< enum TlNalCodec
    int length_size;     ///< bytes of the length before each NAL unit (avcC, hvcC), 0 = start codes (Annex B)
    int max_temporal_id; ///< HEVC: highest sub-layer of the stream; -1 unknown
} TlNalFormat;

// Reads the layout from the decoder's extradata. A codec of TL_NAL_NONE or senseless extradata gives {0}.
void tl_nal_format_init(TlNalFormat *format, int codec, const uint8_t *extradata, size_t size);

// 1 when every slice in the packet belongs to a picture that no other picture refers to and the packet carries nothing
// else that the decoder needs (parameter sets, unknown units); 0 otherwise, also for any packet that is not well
// formed.
int tl_nal_is_droppable(const TlNalFormat *format, const uint8_t *data, size_t size);

// 1 when the packet holds a slice of an IDR picture: decoding can begin with it, and all that follows is shown later.
int tl_nal_is_idr(const TlNalFormat *format, const uint8_t *data, size_t size);

#endif
