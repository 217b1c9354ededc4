// Folders of pictures: the natural order and which files count.
#include "fixture.h"

#include "media/images.h"

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void test_order(void **state)
{
    // Each before the next.
    static const char *const sorted[] = {"",
                                         "0",
                                         "1",
                                         "01",
                                         "2",
                                         "2a",
                                         "10",
                                         "a",
                                         "a0",
                                         "a1",
                                         "a1b1",
                                         "a1b2",
                                         "a1b10",
                                         "a2",
                                         "a9.png",
                                         "a10.png",
                                         "a010.x",
                                         "a0100",
                                         "a100000000000000000000000",
                                         "a100000000000000000000001",
                                         "b"};

    (void)state;
    size_t count = sizeof sorted / sizeof sorted[0];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            int order = sign(tl_natural_compare(sorted[i], sorted[k]));
            // "1" and "01" have one value; only that they differ, and oppositely, matters.
            int is_twin = (i == 2 && k == 3) || (i == 3 && k == 2);
            if (is_twin ? !order : order != (i < k ? -1 : i > k))
                fail_msg("'%s' and '%s' compare as %d", sorted[i], sorted[k], order);
        }
}

// A total order for any strings: antisymmetric and transitive, 0 only for equal ones.
static void test_total_order(void **state)
{
    enum { COUNT = 80 };
    char names[COUNT][6];
    uint32_t seed = 9;

    (void)state;
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < 6; k++) {
            seed = seed * 1664525 + 1013904223;
            names[i][k] = k == 5 ? 0 : "0012a.\xff"[(seed >> 8) % 8]; // the eighth is the end
        }
    for (int a = 0; a < COUNT; a++)
        for (int b = 0; b < COUNT; b++) {
            int ab = sign(tl_natural_compare(names[a], names[b]));
            assert_int_equal(ab, -sign(tl_natural_compare(names[b], names[a])));
            assert_int_equal(ab == 0, strcmp(names[a], names[b]) == 0);
            for (int c = 0; c < COUNT; c++)
                if (ab < 0 && tl_natural_compare(names[b], names[c]) < 0)
                    assert_true(tl_natural_compare(names[a], names[c]) < 0);
        }
}

static void test_list(void **state)
{
    static const char *const expected[] = {"img1.png", "img2.JPG", "img10.jpeg", "img11.bmp", "img100.webp"};
    TlImageList list;
    TlDiag diag = {0};

    (void)state;
    shell("mkdir l && touch l/img10.jpeg l/img2.JPG l/img1.png l/img100.webp l/img11.bmp l/notes.txt l/.x.png "
          "l/._img3.png "
          "l/png l/img5.png.part && mkdir l/img4.png");
    for (int slash = 0; slash < 2; slash++) {
        assert_int_equal(tl_image_list_init(&list, in_folder(slash ? "l/" : "l"), &diag), 0);
        assert_int_equal(list.count, 5);
        for (size_t i = 0; i < list.count; i++) {
            char path[600];
            snprintf(path, sizeof path, "%s/l/%s", g_folder, expected[i]);
            assert_string_equal(list.paths[i], path);
        }
        tl_image_list_deinit(&list);
        tl_image_list_deinit(&list);
    }
}

static void test_many(void **state)
{
    TlImageList list;

    (void)state;
    shell("mkdir m && cd m && seq -f %%.0f.png 1 2000 | xargs touch");
    assert_int_equal(tl_image_list_init(&list, in_folder("m"), NULL), 0);
    assert_int_equal(list.count, 2000);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(atoi(strrchr(list.paths[i], '/') + 1), i + 1);
    tl_image_list_deinit(&list);
}

static void test_errors(void **state)
{
    TlImageList list;
    TlDiag diag = {0};

    (void)state;
    assert_int_equal(tl_image_list_init(&list, in_folder("absent"), &diag), TL_ENOENT);
    assert_int_equal(list.count, 0);
    tl_diag_clear(&diag);
    shell("mkdir none && touch none/a.txt");
    assert_int_equal(tl_image_list_init(&list, in_folder("none"), &diag), TL_EEMPTY);
    assert_non_null(strstr(diag.text, "none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_total_order), cmocka_unit_test(test_list),
        cmocka_unit_test(test_many),  cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
