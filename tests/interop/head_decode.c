// Helper of test_ultralytics.py: our side of the comparison.
//
//   head_decode MODEL players|pitch SRC_W SRC_H NET_W NET_H CONF IOU decode TENSOR D0 D1 D2   decodes sample 0 of a raw
//   tensor head_decode MODEL players|pitch SRC_W SRC_H NET_W NET_H CONF IOU run INPUT OUTPUT         runs the network
//   on f32 [1,3,H,W]
//
// Prints "class_id score x1 y1 x2 y2" or "index x y confidence" a line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "post/post.h"

static int load(const char *path, void *data, size_t bytes)
{
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(data, 1, bytes, file) : 0;
    if (file)
        fclose(file);
    if (got != bytes)
        fprintf(stderr, "%s holds %zu of %zu bytes\n", path, got, bytes);
    return got == bytes ? 0 : -1;
}

static int run(const TlModelMeta *meta, char **arg, int width, int height, TlDiag *diag)
{
    TlInfer *infer = NULL;
    TlInferParams params = {.model = arg[1], .batch = 1, .width = width, .height = height, .threads = 1, .meta = meta};
    if (tl_infer_open(&infer, &params, diag) < 0)
        return -1;
    int ret = load(arg[10], tl_infer_input(infer, 0)->data, sizeof(float) * 3 * (size_t)width * (size_t)height);
    if (ret == 0 && (tl_infer_submit(infer, 0, 1, diag) < 0 || tl_infer_wait(infer, 0, diag) < 0))
        ret = -1;
    const TlTensor *out = tl_infer_output(infer, 0, 0);
    FILE *file = ret == 0 ? fopen(arg[11], "wb") : NULL;
    if (file) {
        size_t count = 1;
        for (int i = 0; i < out->rank; i++) {
            count *= (size_t)out->dim[i];
            printf("%lld ", (long long)out->dim[i]);
        }
        printf("\n");
        if (fwrite(out->data, sizeof(float), count, file) != count)
            ret = -1;
        fclose(file);
    }
    tl_infer_close(&infer);
    return ret;
}

static int decode(const TlHeadOps *head, char **arg, const TlLetterbox *box, const TlPostParams *params, int points)
{
    static TlDetections detections;
    TlPoint point[TL_POINT_COUNT];
    TlTensor tensor = {.dtype = TL_DTYPE_F32, .rank = 3, .dim = {atoi(arg[11]), atoi(arg[12]), atoi(arg[13])}};
    const TlTensor *output = &tensor;
    size_t bytes = sizeof(float) * (size_t)tensor.dim[0] * (size_t)tensor.dim[1] * (size_t)tensor.dim[2];
    tensor.data = malloc(bytes);
    if (!tensor.data || load(arg[10], tensor.data, bytes) < 0) {
        free(tensor.data);
        return -1;
    }
    if (points) {
        head->points(&output, 1, 0, box, params, point);
        for (int i = 0; i < TL_POINT_COUNT; i++)
            printf("%d %.9g %.9g %.9g\n", i, point[i].x, point[i].y, point[i].confidence);
    } else {
        head->detections(&output, 1, 0, box, params, &detections);
        for (int i = 0; i < detections.count; i++) {
            const TlDetection *d = &detections.item[i];
            printf("%d %.9g %.9g %.9g %.9g %.9g\n", d->class_id, d->score, d->bbox[0], d->bbox[1], d->bbox[2],
                   d->bbox[3]);
        }
    }
    free(tensor.data);
    return 0;
}

int main(int argc, char **argv)
{
    static TlModelMeta meta;
    TlDiag diag = {0};
    TlPostParams params;
    TlLetterbox box;
    int width, height;
    if (argc < 12)
        return 2;
    int points = !strcmp(argv[2], "pitch"), net_w = atoi(argv[5]), net_h = atoi(argv[6]), ret = -1;
    const TlHeadOps *head = NULL;
    if (tl_model_meta_read(&meta, argv[1], &diag) == TL_OK)
        head = tl_head_find(&meta, points, &params, &width, &height, &diag);
    if (head) {
        tl_letterbox_init(&box, atoi(argv[3]), atoi(argv[4]), net_w, net_h, head->anchor);
        for (int c = 0; c < TL_CLASS_COUNT; c++)
            params.threshold[c] = (float)atof(argv[7]);
        params.point_threshold = 0;
        params.iou = (float)atof(argv[8]);
        params.max_detections = TL_DETECTION_MAX;
        if (!strcmp(argv[9], "run"))
            ret = run(&meta, argv, net_w, net_h, &diag);
        else if (argc >= 14)
            ret = decode(head, argv, &box, &params, points);
    }
    if (diag.text[0])
        fprintf(stderr, "%s\n", diag.text);
    return ret == 0 ? 0 : 1;
}
