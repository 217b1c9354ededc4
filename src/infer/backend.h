// What the backends of this folder share; not for other folders.
#ifndef TL_INFER_BACKEND_H
#define TL_INFER_BACKEND_H

#include "infer/infer.h"

extern const TlInferOps tl_infer_openvino;
extern const TlInferOps tl_infer_scripted;

// Shape of the input tensor for params->batch pictures of params->width x height: [N,6,H/2,W/2] u8 for the house
// networks, [N,3,H,W] f32 for pictures in RGB. TL_EMODEL when the model takes something else or is fixed to another
// size.
TL_NODISCARD int tl_infer_input_shape(const TlInferParams *params, TlTensor *input, TlDiag *diag);

// Bytes of a tensor's data, 0 when a dimension is not positive or the product overflows.
size_t tl_tensor_bytes(const TlTensor *tensor);

// Gives a tensor its memory. TL_ENOMEM, TL_ELIMIT.
TL_NODISCARD int tl_tensor_alloc(TlTensor *tensor, TlDiag *diag);

#endif
