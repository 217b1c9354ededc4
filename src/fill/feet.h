// Inside the fill folder: where people stand on the pitch.
//
// A key frame's boxes are put on the pitch once its camera is settled; a person's place in any frame is then read off
// the way that these sightings make along the track, so that neither the flicker of a box's lower edge nor that of the
// camera is taken for running.
#ifndef TL_FILL_FEET_H
#define TL_FILL_FEET_H

#include "fill/chain.h"
#include "pitch/pitch.h"

#define TL_FEET_REACH_S 0.6 // sightings so far from a frame move its places

// Puts the boxes of a key frame on the pitch; view NULL when its camera is not known.
void tl_feet_stand(TlKeyFrame *key, const TlPitchView *view);
// Place in metres of a person whose box tl_chain_boxes gave for this frame. -1 when no sighting is near enough.
int tl_feet_place(TlChain *chain, int64_t frame, const TlChainBox *box, double place[2]);

#endif
