// Log and error numbers of libav.
//
// libav prints to standard error unless it is told otherwise, once for the whole process. A damaged video makes
// hundreds of lines; the sentence for the user is composed by the reader, so libav's own words are for debugging only.
#include "media/libav.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/error.h>
#include <libavutil/log.h>

#include <touchline/log.h>

#include "base/outfile.h"

static pthread_once_t g_once = PTHREAD_ONCE_INIT;

static void forward_log(void *context, int level, const char *format, va_list args)
{
    char line[512];
    int prefix = 1;

    if (level > AV_LOG_WARNING)
        return;
    av_log_format_line2(context, level, format, args, line, sizeof line, &prefix);
    line[strcspn(line, "\n")] = 0;
    if (line[0])
        tl_log(TL_LOG_DEBUG, "libav: %s", line);
}

static void install_log(void)
{
    av_log_set_callback(forward_log);
}

void tl_libav_init(void)
{
    pthread_once(&g_once, install_log);
}

int tl_libav_code(int error, int fallback)
{
    switch (error) {
    case AVERROR_EXIT:
        return TL_EINTERRUPTED;
    case AVERROR(ENOMEM):
        return TL_ENOMEM;
    case AVERROR(ENOSPC):
    case AVERROR(EDQUOT):
    case AVERROR(EFBIG):
        return TL_ENOSPC;
    default:
        return fallback;
    }
}

const char *tl_libav_text(char *buffer, size_t size, int error)
{
    if (av_strerror(error, buffer, size) < 0)
        snprintf(buffer, size, "error %d", error);
    return buffer;
}
