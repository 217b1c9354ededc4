// One network of a session. In: pictures in source pixels; out: detections or points in source pixels.
//
// Slots are used as a ring in both directions, so the answers come out in the order the pictures went in and no list of
// pending work is needed. A slot is FREE, then FILLING (the batch collects), then RUNNING, and FREE again when its
// last sample was taken. From RUNNING on input and outputs are the results' thread's, which may run the slot again.
#include "pipe/network.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "track/look.h"

enum { SLOT_MAX = 64, SIDE_MAX = 16384, CANCEL_CHECK_MS = 100 };
enum SlotState { SLOT_FREE = 0, SLOT_FILLING, SLOT_RUNNING };

struct TlNetwork {
    TlInfer *infer;
    const TlHeadOps *head;
    TlPostParams defaults;
    TlModelMeta meta;
    int width, height, batch, slots;
    size_t sample_bytes;
    char text[256];

    TlLetterbox box;
    TlPre *pre;
    const TlTensor *outputs[SLOT_MAX][TL_INFER_OUTPUT_MAX];
    int output_count;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        int state, filled, taken, failed;
    } slot[SLOT_MAX]; // under mutex
    int put_slot;     // next or filling slot, decoder's thread only
    int aborted;      // under mutex
    const atomic_int *cancel;
    TlDetections seen, again; // results' thread only
    int64_t wait_us;          // results' thread only
    int64_t put_wait_us;      // decoder's thread only
};

// The size a model names for --quality high, touchline.high = "1280x736"; one that names none keeps its own.
static void use_high_size(TlNetwork *net)
{
    const char *text = tl_model_meta_get(&net->meta, "touchline.high");
    int w = 0, h = 0;
    if (text && sscanf(text, "%5dx%5d", &w, &h) == 2 && w >= 32 && h >= 32 && w <= SIDE_MAX && h <= SIDE_MAX &&
        w % 32 == 0 && h % 32 == 0) {
        net->width = w;
        net->height = h;
    }
}

// Network input size: the model's own when it is fixed, else IMG_SIZE along the longer side with the model's shape,
// else what the model names for the quality.
static int choose_size(TlNetwork *net, const TlOptions *options, TlDiag *diag)
{
    int img_size = options->fast_mode ? options->fast_img_size : options->img_size;
    const int64_t *dim = net->meta.input_dim;
    int half = net->head->layout == TL_PRE_YUV_S2D ? 2 : 1;
    int fixed = net->meta.input_rank == 4 && dim[2] > 0 && dim[3] > 0;
    if (fixed && (dim[2] > SIDE_MAX || dim[3] > SIDE_MAX))
        return tl_fail(diag, TL_EMODEL, "the model wants pictures of more than %d px", SIDE_MAX);
    if (fixed) {
        net->width = (int)dim[3] * half;
        net->height = (int)dim[2] * half;
        int longer = net->width > net->height ? net->width : net->height;
        if (options->img_size > 0 && longer != options->img_size)
            return tl_fail(diag, TL_EMODEL,
                           "the model was exported for %d px and cannot run at --img-size %d; export it with"
                           " dynamic size",
                           longer, options->img_size);
        return TL_OK;
    }
    if (img_size > 0) {
        int longer = net->width > net->height ? net->width : net->height;
        net->width = (net->width * img_size / longer + 31) / 32 * 32;
        net->height = (net->height * img_size / longer + 31) / 32 * 32;
    } else if (strcmp(options->quality, "high") == 0) {
        use_high_size(net);
    }
    return TL_OK;
}

static int open_infer(TlNetwork *net, const TlNetworkParams *params, TlDiag *diag)
{
    const TlOptions *options = params->options;
    net->batch = options->batch_size > 0 ? options->batch_size : 1;
    if (net->meta.input_rank == 4 && net->meta.input_dim[0] > 0)
        net->batch = (int)net->meta.input_dim[0];
    TlInferParams infer = {.backend = options->backend,
                           .device = options->device,
                           .model = params->model,
                           .cache_dir = params->cache_dir,
                           .batch = net->batch,
                           .width = net->width,
                           .height = net->height,
                           .threads = params->threads,
                           .slots = params->threads + 1 < SLOT_MAX ? params->threads + 1 : SLOT_MAX,
                           .meta = &net->meta};
    int ret = tl_infer_open(&net->infer, &infer, diag);
    if (ret < 0)
        return ret;
    net->slots = tl_infer_slots(net->infer);
    net->output_count = tl_infer_output_count(net->infer);
    if (net->slots < 1 || net->slots > SLOT_MAX || net->output_count > TL_INFER_OUTPUT_MAX)
        return tl_fail(diag, TL_EBACKEND, "the backend offers %d requests", net->slots);
    for (int s = 0; s < net->slots; s++)
        for (int o = 0; o < net->output_count; o++)
            net->outputs[s][o] = tl_infer_output(net->infer, s, o);
    size_t pixels = (size_t)net->width * (size_t)net->height;
    net->sample_bytes = net->head->layout == TL_PRE_YUV_S2D ? pixels * 6 / 4 : pixels * 3 * sizeof(float);
    snprintf(net->text, sizeof net->text, "%s, %dx%d, batch %d", tl_infer_name(net->infer), net->width, net->height,
             net->batch);
    return TL_OK;
}

int tl_network_open(TlNetwork **out, const TlNetworkParams *params, TlDiag *diag)
{
    *out = NULL;
    TlNetwork *net = tl_calloc(1, sizeof *net);
    if (!net)
        return tl_fail(diag, TL_ENOMEM, "out of memory for a network");
    pthread_mutex_init(&net->mutex, NULL);
    pthread_cond_init(&net->changed, NULL);
    int ret = tl_model_meta_read(&net->meta, params->model, diag);
    if (ret < 0)
        goto fail;
    net->head = tl_head_find(&net->meta, params->want_points, &net->defaults, &net->width, &net->height, diag);
    if (!net->head) {
        ret = tl_fail(diag, TL_EMODEL, "'%s' is not a model for %s", params->model,
                      params->want_points ? "pitch points" : "players");
        goto fail;
    }
    if ((ret = choose_size(net, params->options, diag)) < 0 || (ret = open_infer(net, params, diag)) < 0)
        goto fail;
    *out = net;
    return TL_OK;
fail:
    tl_network_close(&net);
    return ret;
}

void tl_network_close(TlNetwork **network)
{
    TlNetwork *net = *network;
    if (!net)
        return;
    tl_pre_destroy(&net->pre);
    tl_infer_close(&net->infer);
    pthread_cond_destroy(&net->changed);
    pthread_mutex_destroy(&net->mutex);
    tl_free(network);
}

const TlPostParams *tl_network_defaults(const TlNetwork *network)
{
    return &network->defaults;
}

const char *tl_network_describe(const TlNetwork *network)
{
    return network->text;
}

int tl_network_batch(const TlNetwork *network)
{
    return network->batch;
}

double tl_network_wait_s(const TlNetwork *network)
{
    return tl_us_to_s(network->wait_us);
}

double tl_network_put_wait_s(const TlNetwork *network)
{
    return tl_us_to_s(network->put_wait_us);
}

// Requests of an interrupted clip may still run: their buffers must be idle before the next clip writes into them.
static void drain(TlNetwork *net)
{
    for (int s = 0; s < net->slots; s++) {
        if (net->slot[s].state == SLOT_RUNNING && !net->slot[s].failed && tl_infer_wait(net->infer, s, NULL) < 0)
            net->slot[s].failed = 1;
        memset(&net->slot[s], 0, sizeof net->slot[s]);
    }
    net->put_slot = 0;
    net->aborted = 0;
    net->wait_us = net->put_wait_us = 0;
}

int tl_network_begin(TlNetwork *net, int width, int height, unsigned cpumask, const atomic_int *cancel, TlDiag *diag)
{
    drain(net);
    net->cancel = cancel;
    if (net->pre && net->box.src_width == width && net->box.src_height == height)
        return TL_OK;
    tl_pre_destroy(&net->pre);
    tl_letterbox_init(&net->box, width, height, net->width, net->height, net->head->anchor);
    net->pre = tl_pre_create(&net->box, net->head->layout, cpumask);
    return net->pre ? TL_OK : tl_fail(diag, TL_ENOMEM, "out of memory for a picture of %dx%d", width, height);
}

// Waits for a change of any slot, a little while at most. 0 when the clip is given up. Called with the mutex held.
static int wait_changed(TlNetwork *net)
{
    struct timespec until;
    if (net->aborted || (net->cancel && atomic_load(net->cancel)))
        return 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += CANCEL_CHECK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_cond_timedwait(&net->changed, &net->mutex, &until);
    return 1;
}

int tl_network_full(TlNetwork *net)
{
    pthread_mutex_lock(&net->mutex);
    int full = net->slot[net->put_slot].state == SLOT_RUNNING;
    pthread_mutex_unlock(&net->mutex);
    return full;
}

// Starts slot s; its state is already FILLING and belongs to this thread.
static int start(TlNetwork *net, int s, TlDiag *diag)
{
    int ret = tl_infer_submit(net->infer, s, net->slot[s].filled, diag);
    pthread_mutex_lock(&net->mutex);
    net->slot[s].state = SLOT_RUNNING;
    net->slot[s].failed = ret < 0;
    pthread_cond_broadcast(&net->changed);
    pthread_mutex_unlock(&net->mutex);
    net->put_slot = (s + 1) % net->slots;
    return ret;
}

int tl_network_put(TlNetwork *net, const TlPicture *picture, TlTicket *ticket, TlDiag *diag)
{
    int64_t begin = tl_now_us();
    int s = net->put_slot;
    int aborted = 0;
    pthread_mutex_lock(&net->mutex);
    while (net->slot[s].state == SLOT_RUNNING && !aborted)
        aborted = !wait_changed(net);
    net->put_wait_us += tl_now_us() - begin;
    aborted |= net->aborted;
    if (!aborted && net->slot[s].state == SLOT_FREE) {
        net->slot[s].state = SLOT_FILLING;
        net->slot[s].filled = net->slot[s].taken = 0;
    }
    pthread_mutex_unlock(&net->mutex);
    if (aborted)
        return tl_fail(diag, TL_EINTERRUPTED, "interrupted");
    int n = net->slot[s].filled;
    tl_pre_run(net->pre, picture, (uint8_t *)tl_infer_input(net->infer, s)->data + (size_t)n * net->sample_bytes);
    *ticket = (TlTicket){.slot = s, .sample = n};
    net->slot[s].filled = n + 1;
    return n + 1 == net->batch ? start(net, s, diag) : TL_OK;
}

int tl_network_flush(TlNetwork *net, TlDiag *diag)
{
    int s = net->put_slot;
    pthread_mutex_lock(&net->mutex);
    int filling = net->slot[s].state == SLOT_FILLING && net->slot[s].filled > 0;
    pthread_mutex_unlock(&net->mutex);
    return filling ? start(net, s, diag) : TL_OK;
}

static int wait_for(TlNetwork *net, TlTicket ticket, TlDiag *diag)
{
    int64_t begin = tl_now_us();
    int aborted = 0;
    pthread_mutex_lock(&net->mutex);
    while (net->slot[ticket.slot].state != SLOT_RUNNING && !aborted)
        aborted = !wait_changed(net);
    aborted |= net->aborted;
    int failed = net->slot[ticket.slot].failed;
    pthread_mutex_unlock(&net->mutex);
    if (aborted)
        return tl_fail(diag, TL_EINTERRUPTED, "interrupted");
    if (failed)
        return tl_fail(diag, TL_EBACKEND, "the inference request could not be started");
    int ret = ticket.sample == 0 ? tl_infer_wait(net->infer, ticket.slot, diag) : TL_OK;
    net->wait_us += tl_now_us() - begin;
    return ret;
}

static void release(TlNetwork *net, TlTicket ticket)
{
    pthread_mutex_lock(&net->mutex);
    if (++net->slot[ticket.slot].taken == net->slot[ticket.slot].filled) {
        net->slot[ticket.slot].state = SLOT_FREE;
        pthread_cond_broadcast(&net->changed);
    }
    pthread_mutex_unlock(&net->mutex);
}

static void decode(TlNetwork *net, TlTicket ticket, const TlPostParams *params, TlDetections *out)
{
    net->head->detections(net->outputs[ticket.slot], net->output_count, ticket.sample, &net->box, params, out);
    tl_look_measure(tl_infer_input(net->infer, ticket.slot), net->head->layout, ticket.sample, &net->box, out);
}

// Runs the slot once more, with the ticket's sample shrunk where it lies. The samples after it run again, too, and get
// the answers that they had.
static int look_again(TlNetwork *net, TlTicket ticket, const TlPostParams *params, TlDetections *out, TlDiag *diag)
{
    uint8_t *samples = tl_infer_input(net->infer, ticket.slot)->data;
    int64_t begin = tl_now_us();
    tl_pre_shrink(samples + (size_t)ticket.sample * net->sample_bytes, net->width, net->height, TL_CLOSE_UP_FACTOR);
    int ret = tl_infer_submit(net->infer, ticket.slot, net->slot[ticket.slot].filled, diag);
    if (ret == TL_OK)
        ret = tl_infer_wait(net->infer, ticket.slot, diag);
    net->wait_us += tl_now_us() - begin;
    if (ret < 0)
        return ret;
    net->seen = *out;
    decode(net, ticket, params, &net->again);
    tl_close_up_join(&net->seen, &net->again, &net->box, params, out);
    return TL_OK;
}

int tl_network_detections(TlNetwork *net, TlTicket ticket, const TlPostParams *params, int may_be_close,
                          TlDetections *out, TlDiag *diag)
{
    int ret = wait_for(net, ticket, diag);
    if (ret < 0)
        return ret;
    decode(net, ticket, params, out);
    if (may_be_close && net->head->layout == TL_PRE_YUV_S2D && tl_close_up_is_likely(out, params))
        ret = look_again(net, ticket, params, out, diag);
    release(net, ticket);
    return ret;
}

int tl_network_points(TlNetwork *net, TlTicket ticket, const TlPostParams *params, TlPoint out[TL_POINT_COUNT],
                      TlDiag *diag)
{
    int ret = wait_for(net, ticket, diag);
    if (ret < 0)
        return ret;
    net->head->points(net->outputs[ticket.slot], net->output_count, ticket.sample, &net->box, params, out);
    release(net, ticket);
    return TL_OK;
}

void tl_network_abort(TlNetwork *net)
{
    pthread_mutex_lock(&net->mutex);
    net->aborted = 1;
    pthread_cond_broadcast(&net->changed);
    pthread_mutex_unlock(&net->mutex);
}
