// Names of the four classes, as they appear in result files and pictures.
#include <touchline/result.h>

const char *tl_class_name(int class_id)
{
    static const char *const names[TL_CLASS_COUNT] = {
        [TL_CLASS_BALL] = "ball",
        [TL_CLASS_GOALKEEPER] = "goalkeeper",
        [TL_CLASS_PLAYER] = "player",
        [TL_CLASS_REFEREE] = "referee",
    };

    return class_id >= 0 && class_id < TL_CLASS_COUNT ? names[class_id] : "unknown";
}
