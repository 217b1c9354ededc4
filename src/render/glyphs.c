// Stroke font on a grid 4 wide and 6 high, see glyphs.h. A glyph is a string of grid points "xy", a blank lifts the
// pen.
#include "render/glyphs.h"

#include <stddef.h>

#define CELL_WIDTH  4.0
#define CELL_HEIGHT 6.0
#define GAP         1.9

static const char *glyph(char c)
{
    static const char *const digit[10] = {
        "102031352616050110",               // 0
        "112026 1636",                      // 1
        "01103041420646",                   // 2
        "0110304142334445361605 1333",      // 3
        "36300444",                         // 4
        "4000033344453616 1605",            // 5
        "413010010516364544331304",         // 6
        "004016",                           // 7
        "13334241301001021304051636454433", // 8
        "0516364541301001021333 3342",      // 9
    };
    static const char *const letter[26] = {
        "062046 1434",                  // A
        "00063645443303 00304142 4233", // B
        "4130100105163645",             // C
        "00062644422000",               // D
        "40000646 0333",                // E
        "400006 0333",                  // F
        "41301001051636454323",         // G
        "0006 4046 0343",               // H
        "1030 2026 1636",               // I
        "4045361605",                   // J
        "0006 4003 1346",               // K
        "000646",                       // L
        "0600234046",                   // M
        "06004640",                     // N
        "103041453616050110",           // O
        "060030414233 3303",            // P
        "103041453616050110 2446",      // Q
        "060030414233 3303 2346",       // R
        "4130100102133344453616 1605",  // S
        "0040 2026",                    // T
        "000516364540",                 // U
        "002640",                       // V
        "0016233640",                   // W
        "0046 4006",                    // X
        "0023 4023 2326",               // Y
        "00400646",                     // Z
    };
    if (c >= '0' && c <= '9')
        return digit[c - '0'];
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c >= 'A' && c <= 'Z')
        return letter[c - 'A'];
    switch (c) {
    case ':':
        return "2122 2425";
    case '.':
        return "2526";
    case ',':
        return "2516";
    case '-':
        return "1333";
    case '+':
        return "0343 2125";
    case '/':
        return "4006";
    case '%':
        return "4006 0001 4546";
    case '(':
        return "30212536";
    case ')':
        return "10212516";
    case '=':
        return "0242 0444";
    case '#':
        return "1016 3036 0242 0444";
    case '?':
        return "01103041422324 2526";
    case '!':
        return "2024 2526";
    default:
        return "";
    }
}

double tl_text_width(const char *text, double height)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n ? ((double)n * (CELL_WIDTH + GAP) - GAP) * height / CELL_HEIGHT : 0;
}

void tl_text_strokes(const char *text, double height, TlStroke *stroke, void *opaque)
{
    double unit = height / CELL_HEIGHT, left = 0;
    for (; *text; text++, left += (CELL_WIDTH + GAP) * unit) {
        const char *p = glyph(*text);
        double last[2] = {0, 0};
        int down = 0;
        while (p[0]) {
            if (p[0] == ' ') {
                down = 0;
                p++;
                continue;
            }
            if (!p[1])
                break;
            double now[2] = {left + (p[0] - '0') * unit, (p[1] - '0') * unit};
            if (down)
                stroke(opaque, last, now);
            last[0] = now[0], last[1] = now[1];
            down = 1;
            p += 2;
        }
    }
}

typedef struct Pen {
    TlRaster *raster;
    double x, y, radius;
} Pen;

static void draw_stroke(void *opaque, const double a[2], const double b[2])
{
    const Pen *pen = opaque;
    const double from[2] = {pen->x + a[0], pen->y + a[1]}, to[2] = {pen->x + b[0], pen->y + b[1]};
    tl_raster_capsule(pen->raster, from, pen->radius, to, pen->radius);
}

void tl_text_raster(TlRaster *raster, const char *text, double x, double y, double height, double thickness)
{
    Pen pen = {raster, x, y, thickness * 0.5};
    tl_text_strokes(text, height, draw_stroke, &pen);
}
