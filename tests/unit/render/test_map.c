// The pitch map: size and places of the picture, the film, hostile records.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cairo/cairo.h>

#include <touchline/render.h>

#include "media/media.h"
#include "render/map_draw.h"

static char g_folder[] = "/tmp/map-XXXXXX";
static const TlStreamInfo g_info = {.width = 640, .height = 360, .fps = 25};

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(g_folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(g_folder); // fails when a test left a file behind
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", g_folder, name);
    return path;
}

static TlRecord record_at(int frame)
{
    TlRecord record;
    memset(&record, 0, sizeof(record));
    record.frame = frame;
    record.time_s = frame / 25.0;
    return record;
}

static void add_object(TlRecord *record, int id, int class_id, double x, double y)
{
    record->objects[record->object_count++] =
        (TlObject){.id = id, .class_id = class_id, .pitch = {(float)x, (float)y}, .has_pitch = 1};
    if (class_id == TL_CLASS_PLAYER && id <= 2)
        record->objects[record->object_count - 1].team = (uint8_t)id;
}

static TlMap *open_map(const char *name)
{
    TlMap *map = NULL;
    TlDiag diag = {0};
    const TlRenderParams params = {.path = path_of(name), .overwrite = 1};
    assert_int_equal(tl_map_open(&map, &params, &g_info, &diag), TL_OK);
    return map;
}

static unsigned pixel_at(cairo_surface_t *png, double x, double y)
{
    uint32_t p;
    cairo_surface_flush(png);
    memcpy(&p,
           cairo_image_surface_get_data(png) + (ptrdiff_t)(int)(y + 0.5) * cairo_image_surface_get_stride(png) +
               (ptrdiff_t)(int)(x + 0.5) * 4,
           sizeof(p));
    return p & 0xffffff;
}

static int near_colour(unsigned p, int r, int g, int b)
{
    return abs((int)(p >> 16) - r) < 40 && abs((int)(p >> 8 & 255) - g) < 40 && abs((int)(p & 255) - b) < 40;
}

static void picture_has_discs_paths_and_lines(void **state)
{
    (void)state;
    TlMap *map = open_map("a.png");
    for (int i = 0; i < 50; i++) {
        TlRecord record = record_at(i);
        add_object(&record, 1, TL_CLASS_PLAYER, 20 + i * 0.2, 20); // runs 10 m to the right
        add_object(&record, 2, TL_CLASS_GOALKEEPER, 3, 34);
        if (i < 5)
            add_object(&record, 3, TL_CLASS_REFEREE, 70, 50); // gone early: no disc at the end
        add_object(&record, 9, TL_CLASS_BALL, 60, 10);
        assert_int_equal(tl_map_write(map, &record, NULL), TL_OK);
    }
    assert_int_equal(tl_map_commit(&map, NULL), TL_OK);
    assert_null(map);
    cairo_surface_t *png = cairo_image_surface_create_from_png(path_of("a.png"));
    assert_int_equal(cairo_image_surface_get_width(png), TL_MAP_WIDTH);
    assert_int_equal(cairo_image_surface_get_height(png), TL_MAP_HEIGHT);
    TlMapSheet sheet; // for the places
    assert_int_equal(tl_map_sheet_init(&sheet, 0, 0), TL_OK);
    double beside = 9 / sheet.scale; // inside the disc, beside the number
    unsigned player = pixel_at(png, tl_map_x(&sheet, 29.8 + beside), tl_map_y(&sheet, 20));
    unsigned keeper = pixel_at(png, tl_map_x(&sheet, 3 + beside), tl_map_y(&sheet, 34));
    unsigned referee = pixel_at(png, tl_map_x(&sheet, 70 + beside), tl_map_y(&sheet, 50));
    unsigned ball = pixel_at(png, tl_map_x(&sheet, 60), tl_map_y(&sheet, 10));
    unsigned path = pixel_at(png, tl_map_x(&sheet, 27), tl_map_y(&sheet, 20));
    unsigned old = pixel_at(png, tl_map_x(&sheet, 20.4), tl_map_y(&sheet, 20));
    unsigned line = pixel_at(png, tl_map_x(&sheet, 52.5), tl_map_y(&sheet, 8));
    unsigned grass = pixel_at(png, tl_map_x(&sheet, 40), tl_map_y(&sheet, 60));
    assert_true(near_colour(player, 0, 191, 255));
    assert_true(near_colour(keeper, 255, 99, 71));
    assert_false(near_colour(referee, 255, 214, 0));
    assert_true(near_colour(ball, 255, 255, 255));
    assert_true(near_colour(line, 240, 245, 240));
    assert_true((grass >> 8 & 255) > (grass >> 16) && (grass >> 8 & 255) > (grass & 255));
    assert_true((path & 255) > (old & 255) + 30); // fresh paths are stronger than old ones
    tl_map_sheet_deinit(&sheet);
    cairo_surface_destroy(png);
    unlink(path_of("a.png"));
}

// Two teams, a player of whom it is not known, one of whom it was not known at first, and a keeper with his team's rim.
static void teams_have_colours(void **state)
{
    (void)state;
    TlMap *map = open_map("t.png");
    for (int i = 0; i < 50; i++) {
        TlRecord record = record_at(i);
        for (int id = 1; id <= 3; id++)
            add_object(&record, id, TL_CLASS_PLAYER, 20 * id + i * 0.2, 20);
        record.objects[0].team = i < 40 ? 0 : 1;
        add_object(&record, 4, TL_CLASS_GOALKEEPER, 3, 34);
        record.objects[3].team = 2;
        record.left_team = 2;
        assert_int_equal(tl_map_write(map, &record, NULL), TL_OK);
    }
    assert_int_equal(tl_map_commit(&map, NULL), TL_OK);
    cairo_surface_t *png = cairo_image_surface_create_from_png(path_of("t.png"));
    TlMapSheet sheet;
    assert_int_equal(tl_map_sheet_init(&sheet, 0, 0), TL_OK);
    double beside = 9 / sheet.scale, rim = 14.5 / sheet.scale;
    assert_true(near_colour(pixel_at(png, tl_map_x(&sheet, 29.8 + beside), tl_map_y(&sheet, 20)), 0, 191, 255));
    assert_true(near_colour(pixel_at(png, tl_map_x(&sheet, 49.8 + beside), tl_map_y(&sheet, 20)), 255, 77, 189));
    assert_true(near_colour(pixel_at(png, tl_map_x(&sheet, 69.8 + beside), tl_map_y(&sheet, 20)), 189, 204, 214));
    assert_true(near_colour(pixel_at(png, tl_map_x(&sheet, 3 + beside), tl_map_y(&sheet, 34)), 255, 99, 71));
    assert_true(near_colour(pixel_at(png, tl_map_x(&sheet, 3 + rim), tl_map_y(&sheet, 34)), 255, 77, 189));
    unsigned early = pixel_at(png, tl_map_x(&sheet, 25), tl_map_y(&sheet, 20));
    assert_true((early & 255) > (early >> 16) + 40); // blue, though his team was not known then
    tl_map_sheet_deinit(&sheet);
    cairo_surface_destroy(png);
    unlink(path_of("t.png"));
}

static void jumps_and_gaps_break_a_path(void **state)
{
    (void)state;
    TlMap *map = open_map("b.png");
    for (int i = 0; i < 20; i++) {
        TlRecord record = record_at(i);
        add_object(&record, 1, TL_CLASS_PLAYER, i < 10 ? 20 : 80, 30); // 60 m in a frame
        assert_int_equal(tl_map_write(map, &record, NULL), TL_OK);
    }
    assert_int_equal(tl_map_commit(&map, NULL), TL_OK);
    cairo_surface_t *png = cairo_image_surface_create_from_png(path_of("b.png"));
    TlMapSheet sheet;
    assert_int_equal(tl_map_sheet_init(&sheet, 0, 0), TL_OK);
    unsigned between = pixel_at(png, tl_map_x(&sheet, 40), tl_map_y(&sheet, 30));
    assert_true((between >> 8 & 255) > (between & 255) + 20); // grass, no blue
    tl_map_sheet_deinit(&sheet);
    cairo_surface_destroy(png);
    unlink(path_of("b.png"));
}

static void other_pitch_sizes_fit(void **state)
{
    (void)state;
    const double sizes[4][2] = {{90, 45}, {120, 90}, {105, 68}, {100, 64}};
    for (int i = 0; i < 4; i++) {
        TlMapSheet sheet;
        assert_int_equal(tl_map_sheet_init(&sheet, sizes[i][0], sizes[i][1]), TL_OK);
        assert_true(tl_map_x(&sheet, 0) >= 40 && tl_map_x(&sheet, sizes[i][0]) <= TL_MAP_WIDTH - 40);
        assert_true(tl_map_y(&sheet, 0) >= 40 && tl_map_y(&sheet, sizes[i][1]) <= TL_MAP_HEIGHT - 100);
        const float in[2] = {1, 1}, out[2] = {-20, 3}, bad[2] = {NAN, 3};
        assert_true(tl_map_inside(&sheet, in));
        assert_false(tl_map_inside(&sheet, out));
        assert_false(tl_map_inside(&sheet, bad));
        tl_map_sheet_deinit(&sheet);
    }
}

static void film_has_a_frame_for_each_record(void **state)
{
    (void)state;
    TlMap *map = open_map("c.mp4");
    for (int i = 0; i < 12; i++) {
        TlRecord record = record_at(i);
        add_object(&record, 1, TL_CLASS_PLAYER, 30, 20 + 0.1 * i);
        assert_int_equal(tl_map_write(map, &record, NULL), TL_OK);
    }
    assert_int_equal(tl_map_commit(&map, NULL), TL_OK);
    TlReader *reader = NULL;
    TlFrame *frame = NULL;
    TlDiag diag = {0};
    const TlReaderParams params = {.input = path_of("c.mp4"), .threads = 1};
    int frames = 0, ret;
    TlMapSheet sheet;
    assert_int_equal(tl_map_sheet_init(&sheet, 0, 0), TL_OK);
    assert_int_equal(tl_reader_open(&reader, &params, &diag), TL_OK);
    while ((ret = tl_reader_next(reader, &frame, &diag)) == TL_OK) {
        const TlPicture *p = &frame->picture;
        assert_int_equal(p->width, TL_MAP_WIDTH);
        assert_int_equal(p->height, TL_MAP_HEIGHT);
        int x = (int)(tl_map_x(&sheet, 30) + 9), y = (int)tl_map_y(&sheet, 20 + 0.1 * frames);
        int u = p->plane[1][y / 2 * p->stride[1] + x / 2], v = p->plane[2][y / 2 * p->stride[2] + x / 2];
        assert_true(u > 150 && v < 110); // the player's blue
        frames++;
        tl_frame_unref(&frame);
    }
    assert_int_equal(ret, TL_EOF);
    assert_int_equal(frames, 12);
    tl_reader_close(&reader);
    tl_map_sheet_deinit(&sheet);
    unlink(path_of("c.mp4"));
}

static void hostile_records_and_long_clips(void **state)
{
    (void)state;
    static const char *const name[2] = {"d.png", "d.mp4"};
    for (int film = 0; film < 2; film++) {
        TlMap *map = open_map(name[film]);
        for (int i = 0; i < (film ? 4 : 6000); i++) { // more positions than are kept
            TlRecord record = record_at(i);
            for (int k = 0; k < TL_OBJECT_MAX; k++)
                add_object(&record, k, k % 4, 50 + k * 0.1, 30);
            record.objects[3].pitch[0] = NAN;
            record.objects[4].pitch[1] = INFINITY;
            record.objects[5].pitch[0] = 1e30f;
            record.objects[6].class_id = 99;
            record.objects[7].class_id = -1;
            record.objects[8].id = -1;
            record.objects[9].has_pitch = 0;
            if (i == 2)
                record.time_s = NAN;
            if (i == 3)
                record.object_count = 1 << 30;
            assert_int_equal(tl_map_write(map, &record, NULL), TL_OK);
        }
        assert_int_equal(tl_map_commit(&map, NULL), TL_OK);
        unlink(path_of(name[film]));
    }
    TlMap *map = open_map("e.png"); // no record at all
    assert_int_equal(tl_map_commit(&map, NULL), TL_OK);
    unlink(path_of("e.png"));
}

static void abort_leaves_no_file(void **state)
{
    (void)state;
    static const char *const name[2] = {"f.png", "f.mp4"};
    for (int i = 0; i < 2; i++) {
        TlMap *map = open_map(name[i]);
        TlRecord record = record_at(0);
        assert_int_equal(tl_map_write(map, &record, NULL), TL_OK);
        tl_map_abort(&map);
        assert_null(map);
        assert_int_not_equal(access(path_of(name[i]), F_OK), 0);
    }
    TlMap *map = NULL;
    TlDiag diag = {0};
    tl_map_abort(&map);
    assert_int_equal(tl_map_commit(&map, NULL), TL_OK);
    assert_int_equal(tl_map_open(&map, &(TlRenderParams){.path = "x.gif"}, &g_info, &diag), TL_EUSAGE);
    assert_non_null(strstr(diag.text, "x.gif"));
    assert_int_equal(tl_map_open(&map, &(TlRenderParams){.path = "/nonexistent-folder/x.png"}, &g_info, NULL),
                     TL_ENOENT);
    assert_null(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picture_has_discs_paths_and_lines),
        cmocka_unit_test(teams_have_colours),
        cmocka_unit_test(jumps_and_gaps_break_a_path),
        cmocka_unit_test(other_pitch_sizes_fit),
        cmocka_unit_test(film_has_a_frame_for_each_record),
        cmocka_unit_test(hostile_records_and_long_clips),
        cmocka_unit_test(abort_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
