// What the outermost boxes of a file say about its completeness, for the sentence after libav gave up or came to the
// end.
#ifndef TL_MEDIA_CONTAINER_H
#define TL_MEDIA_CONTAINER_H

#include "media/source_io.h"

enum TlMp4State {
    TL_MP4_NONE = 0,  ///< not such a file, or it cannot be looked at again
    TL_MP4_WHOLE,     ///< index there
    TL_MP4_NO_INDEX,  ///< begins like one, but there is no index: cut off before it was written
    TL_MP4_CUT_INDEX, ///< ends within the index
};

// Looks for the index (moov) of an MP4 or MOV file. Moves the read position.
int tl_container_mp4_state(TlSource *source);

// 1 when a Matroska or RIFF (AVI) file is shorter than its head says; 0 otherwise and when unknown. Moves the read
// position.
int tl_container_is_short(TlSource *source);

#endif
