// Reading an answer. In: JSON of a stranger; out: plain arrays and a count of everything the protocol does not allow.
#include "answer.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NUMBER_MAX = 100000000 }; // a frame number above is none
static const double EDGE_PX = 1; // boxes may touch the border; two decimals round

static int read_numbers(const json_t *list, double *out, size_t n)
{
    if (json_array_size(list) != n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_number(value) || !isfinite(json_number_value(value)))
            return -1;
        out[i] = json_number_value(value);
    }
    return 0;
}

// More than 32 points that are not (0,0) break the validator's homography.
static int has_too_many(const json_t *list)
{
    double point[2];
    int n = 0;
    for (size_t i = 0; i < json_array_size(list) && json_array_size(list) > TL_POINT_COUNT; i++)
        n += read_numbers(json_array_get(list, i), point, 2) == 0 && (point[0] != 0 || point[1] != 0);
    return n > TL_POINT_COUNT;
}

static void read_points(const json_t *list, TlAnswerFrame *frame, TlAnswerFaults *faults)
{
    int bad = json_array_size(list) != TL_POINT_COUNT;
    faults->void_points += !list || has_too_many(list);
    frame->point_count = (int)json_array_size(list);
    for (int i = 0; i < TL_POINT_COUNT && i < frame->point_count; i++)
        if (read_numbers(json_array_get(list, (size_t)i), frame->point[i], 2) < 0) {
            frame->point[i][0] = frame->point[i][1] = 0;
            bad = 1;
        }
    faults->bad_points += bad;
}

static void read_object(const json_t *item, TlAnswerObject *object, TlAnswerFaults *faults)
{
    const json_t *id = json_object_get(item, "id"), *class_id = json_object_get(item, "class_id");
    object->has_id = json_is_integer(id);
    object->id = json_integer_value(id);
    object->class_id =
        json_is_integer(class_id) && json_integer_value(class_id) >= 0 && json_integer_value(class_id) < TL_CLASS_COUNT
            ? (int)json_integer_value(class_id)
            : -1;
    faults->no_id += !object->has_id;
    faults->void_points += !object->has_id && object->class_id == TL_CLASS_PLAYER;
    faults->bad_class += object->class_id < 0;
    if (read_numbers(json_object_get(item, "bbox"), object->bbox, 4) < 0) {
        memset(object->bbox, 0, sizeof object->bbox);
        faults->bad_boxes++;
    } else if (object->bbox[0] >= object->bbox[2] || object->bbox[1] >= object->bbox[3]) {
        faults->bad_boxes++;
    }
}

static void read_frame(const json_t *item, TlAnswer *answer, TlAnswerFrame *frame)
{
    const json_t *number = json_object_get(item, "frame_number"), *objects = json_object_get(item, "objects");
    TlAnswerFaults *faults = &answer->faults;
    int has_number =
        json_is_integer(number) && json_integer_value(number) >= 0 && json_integer_value(number) <= NUMBER_MAX;
    frame->number = has_number ? json_integer_value(number) : -1;
    faults->no_number += !has_number;
    read_points(json_object_get(item, "keypoints"), frame, faults);
    frame->objects = answer->objects + answer->object_count;
    frame->object_count = (int)json_array_size(objects);
    for (int i = 0; i < frame->object_count; i++)
        read_object(json_array_get(objects, (size_t)i), &frame->objects[i], faults);
    for (int i = 1; i < frame->object_count; i++)
        for (int j = 0; j < i; j++)
            if (frame->objects[i].has_id && frame->objects[j].has_id && frame->objects[i].id == frame->objects[j].id &&
                frame->objects[i].id >= 0) {
                faults->repeated_id++;
                break;
            }
    answer->object_count += frame->object_count;
}

// Number of all objects, or -1 when there are too many of anything.
static int64_t count_objects(const json_t *frames)
{
    int64_t total = 0;
    if (json_array_size(frames) > TL_ANSWER_FRAMES_MAX)
        return -1;
    for (size_t i = 0; i < json_array_size(frames); i++) {
        size_t n = json_array_size(json_object_get(json_array_get(frames, i), "objects"));
        if (n > TL_ANSWER_OBJECTS_MAX)
            return -1;
        total += (int64_t)n;
    }
    return total;
}

static int read_answer(const json_t *root, TlAnswer *answer, TlDiag *diag)
{
    const json_t *frames = json_object_get(root, "frames"), *time = json_object_get(root, "processing_time");
    const char *id = json_string_value(json_object_get(root, "challenge_id"));
    if (!json_is_object(root))
        return tl_fail(diag, TL_EFORMAT, "the answer is not a JSON object");
    tl_strcpy(answer->challenge_id, sizeof answer->challenge_id, id ? id : "");
    answer->processing_time_s = json_is_number(time) ? json_number_value(time) : -1;
    answer->faults.no_list = !json_is_array(frames);
    if (answer->faults.no_list)
        return TL_OK;
    int64_t objects = count_objects(frames);
    if (objects < 0)
        return tl_fail(diag, TL_ELIMIT, "the answer has too many frames or objects");
    answer->frame_count = (int64_t)json_array_size(frames);
    answer->frames = tl_calloc((size_t)answer->frame_count + 1, sizeof *answer->frames);
    answer->objects = tl_calloc((size_t)objects + 1, sizeof *answer->objects);
    if (!answer->frames || !answer->objects)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the answer");
    for (int64_t i = 0; i < answer->frame_count; i++)
        read_frame(json_array_get(frames, (size_t)i), answer, &answer->frames[i]);
    return TL_OK;
}

int tl_answer_parse(TlAnswer **out, const char *json, size_t length, TlDiag *diag)
{
    json_error_t error;
    TlAnswer *answer = tl_calloc(1, sizeof *answer);
    *out = NULL;
    if (!answer)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the answer");
    json_t *root = json_loadb(json, length, 0, &error);
    int ret = root ? read_answer(root, answer, diag)
                   : tl_fail(diag, TL_EFORMAT, "the answer is not JSON: line %d, %s", error.line, error.text);
    json_decref(root);
    if (ret < 0)
        tl_answer_free(&answer);
    *out = answer;
    return ret;
}

void tl_answer_free(TlAnswer **answer)
{
    if (!*answer)
        return;
    tl_free(&(*answer)->frames);
    tl_free(&(*answer)->objects);
    tl_free(answer);
}

// --- checks against the video

static int by_number(const void *a, const void *b)
{
    const TlAnswerFrame *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static int inside(const double bbox[4], int width, int height)
{
    return bbox[0] >= -EDGE_PX && bbox[1] >= -EDGE_PX && bbox[2] <= width + EDGE_PX && bbox[3] <= height + EDGE_PX;
}

// Sorted, each number once, those without a number gone.
static void tidy(TlAnswer *answer)
{
    int64_t kept = 0;
    for (int64_t i = 1; i < answer->frame_count; i++)
        answer->faults.out_of_order += answer->frames[i].number < answer->frames[i - 1].number;
    if (answer->frame_count > 0)
        qsort(answer->frames, (size_t)answer->frame_count, sizeof *answer->frames, by_number);
    for (int64_t i = 0; i < answer->frame_count; i++) {
        if (answer->frames[i].number < 0)
            continue;
        if (kept > 0 && answer->frames[kept - 1].number == answer->frames[i].number)
            answer->faults.repeated++;
        else
            answer->frames[kept++] = answer->frames[i];
    }
    answer->frame_count = kept;
}

void tl_answer_check(TlAnswer *answer, int64_t expected, int width, int height)
{
    int64_t present = 0;
    tidy(answer);
    if (expected <= 0)
        expected = answer->frame_count > 0 ? answer->frames[answer->frame_count - 1].number + 1 : 0;
    for (int64_t i = 0; i < answer->frame_count; i++) {
        const TlAnswerFrame *frame = &answer->frames[i];
        present += frame->number < expected;
        answer->faults.beyond += frame->number >= expected;
        for (int j = 0; j < frame->object_count && width > 0; j++)
            answer->faults.outside += !inside(frame->objects[j].bbox, width, height);
    }
    answer->faults.missing = expected - present;
}

typedef struct Fault {
    int64_t count;
    const char *one, *many; ///< behind the count
} Fault;

static int list_faults(const TlAnswerFaults *f, Fault list[16])
{
    const Fault all[] = {
        {f->no_list, "reply whose 'frames' is no list: the validator sees no frames at all", NULL},
        {f->no_number, "frame without a frame_number: the whole reply would be thrown away",
         "frames without a frame_number: the whole reply would be thrown away"},
        {f->missing, "frame is not answered", "frames are not answered"},
        {f->beyond, "frame number lies behind the end of the video", "frame numbers lie behind the end of the video"},
        {f->repeated, "frame number comes twice", "frame numbers come twice"},
        {f->out_of_order, "frame is out of order", "frames are out of order"},
        {f->bad_points,
         "frame without 32 pairs of keypoints: its consistency counts 0; without any list, or with more than 32 "
         "points, it makes all keypoints count 0",
         "frames without 32 pairs of keypoints: their consistency counts 0; without any list, or with more than 32 "
         "points, one makes all keypoints count 0"},
        {f->bad_boxes, "box is not x1 < x2, y1 < y2", "boxes are not x1 < x2, y1 < y2"},
        {f->outside, "box reaches out of the picture", "boxes reach out of the picture"},
        {f->bad_class, "object without a class of 0 to 3: its frame does not count",
         "objects without a class of 0 to 3: their frames do not count"},
        {f->no_id, "object without an id: one of a player makes all keypoints count 0",
         "objects without an id: one of a player makes all keypoints count 0"},
        {f->repeated_id, "id comes twice in one frame", "ids come twice in one frame"},
    };
    memcpy(list, all, sizeof all);
    return (int)(sizeof all / sizeof *all);
}

int64_t tl_answer_fault_count(const TlAnswerFaults *faults)
{
    Fault list[16];
    int64_t total = 0;
    for (int i = 0, n = list_faults(faults, list); i < n; i++)
        total += list[i].count;
    return total;
}

void tl_answer_describe(const TlAnswerFaults *faults, TlStrbuf *text)
{
    Fault list[16];
    for (int i = 0, n = list_faults(faults, list); i < n; i++)
        if (list[i].count > 0)
            tl_strbuf_printf(text, "%lld %s\n", (long long)list[i].count,
                             list[i].count == 1 || !list[i].many ? list[i].one : list[i].many);
}
