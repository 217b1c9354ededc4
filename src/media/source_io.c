// Bytes for the demuxer.
//
// In: a path, "-", an http(s) URL or callbacks. Out: an AVIOContext whose blocking reads end when the reader is
// cancelled and which remembers as a TL_E code why a read failed. Files are read here and not by libav's "file"
// protocol, so that names with a colon work and a pipe can be cancelled; http is libav's, with time-outs and
// resumption.
#include "media/source_io.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/dict.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/outfile.h"
#include "media/libav.h"

enum { BUFFER_BYTES = 64 * 1024, POLL_MS = 50 };

int tl_source_is_cancelled(const TlSource *source)
{
    return source->cancel && atomic_load_explicit(source->cancel, memory_order_relaxed) != 0;
}

int tl_source_error(const TlSource *source)
{
    if (source->error)
        return source->error;
    if (!source->is_network || !source->pb || source->pb->error >= 0)
        return TL_OK;
    return tl_source_at_end(source, source->pb->error) ? TL_OK : TL_ENET;
}

// libav calls the end of an answer without a length an error: there is no telling whether it was cut.
int tl_source_at_end(const TlSource *source, int error)
{
    return source->is_network && !source->has_length && error == AVERROR(EIO);
}

static int interrupt_callback(void *opaque)
{
    return tl_source_is_cancelled(opaque);
}

static int fail_read(TlSource *source, int code)
{
    if (!source->error)
        source->error = code;
    return code == TL_EINTERRUPTED ? AVERROR_EXIT : AVERROR(EIO);
}

// Waits until a pipe has something to read, looking at the cancel flag in between.
static int wait_readable(TlSource *source)
{
    struct pollfd waiting = {.fd = source->fd, .events = POLLIN};

    for (;;) {
        if (tl_source_is_cancelled(source))
            return TL_EINTERRUPTED;
        int ready = poll(&waiting, 1, POLL_MS);
        if (ready > 0)
            return TL_OK;
        if (ready < 0 && errno != EINTR)
            return tl_errno_code(errno);
    }
}

static int read_fd(void *opaque, uint8_t *data, int size)
{
    TlSource *source = opaque;

    for (;;) {
        int ret = source->can_seek ? TL_OK : wait_readable(source);
        if (ret < 0)
            return fail_read(source, ret);
        ssize_t count = read(source->fd, data, (size_t)size);
        if (count > 0)
            return (int)count;
        if (count == 0)
            return AVERROR_EOF;
        if (errno != EINTR && errno != EAGAIN)
            return fail_read(source, tl_errno_code(errno));
    }
}

static int64_t seek_fd(void *opaque, int64_t offset, int whence)
{
    TlSource *source = opaque;
    struct stat status;

    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return fstat(source->fd, &status) < 0 ? AVERROR(errno) : status.st_size;
    off_t position = lseek(source->fd, offset, whence);
    return position < 0 ? AVERROR(errno) : position;
}

static int is_late(const TlSource *source)
{
    int64_t until_us = source->wait_until_us ? atomic_load(source->wait_until_us) : 0;

    return until_us > 0 && tl_now_us() >= until_us;
}

static int read_bytes(void *opaque, uint8_t *data, int size)
{
    TlSource *source = opaque;

    int64_t begin_us = tl_now_us();
    int count = TL_EAGAIN;
    while (count == TL_EAGAIN && !tl_source_is_cancelled(source)) {
        count = source->bytes.read(source->bytes.opaque, data, size);
        if (count == TL_EAGAIN && is_late(source))
            count = TL_ETIMEOUT;
    }
    source->waited_us += tl_now_us() - begin_us;
    if (count == TL_EAGAIN)
        return fail_read(source, TL_EINTERRUPTED);
    if (count < 0)
        return fail_read(source, count);
    if (count > size)
        return fail_read(source, TL_EINTERNAL);
    return count ? count : AVERROR_EOF;
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    TlSource *source = opaque;
    int64_t position = source->bytes.seek(source->bytes.opaque, offset, whence & ~AVSEEK_FORCE);

    return position < 0 ? AVERROR(EIO) : position;
}

static int make_context(TlSource *source, int (*read_cb)(void *, uint8_t *, int),
                        int64_t (*seek_cb)(void *, int64_t, int), TlDiag *diag)
{
    uint8_t *buffer = av_malloc(BUFFER_BYTES);

    if (buffer)
        source->pb =
            avio_alloc_context(buffer, BUFFER_BYTES, 0, source, read_cb, NULL, source->can_seek ? seek_cb : NULL);
    if (!source->pb) {
        av_free(buffer);
        return tl_fail(diag, TL_ENOMEM, "out of memory for reading %s", source->name);
    }
    source->is_custom = 1;
    source->pb->seekable = source->can_seek ? AVIO_SEEKABLE_NORMAL : 0;
    return TL_OK;
}

static int open_file(TlSource *source, const char *path, TlDiag *diag)
{
    struct stat status;

    // NONBLOCK: a named pipe without a writer must not hold up the open; reads wait in poll.
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source->fd < 0 || fstat(source->fd, &status) < 0) {
        int code = tl_errno_code(errno);
        if (code == TL_ENOENT)
            return tl_fail(diag, code, "there is no file %s", source->name);
        return tl_fail(diag, code, "cannot read %s: %s", source->name, strerror(errno));
    }
    source->owns_fd = 1;
    if (S_ISDIR(status.st_mode))
        return tl_fail(diag, TL_EFORMAT, "%s is a folder, not a video or picture", source->name);
    source->can_seek = S_ISREG(status.st_mode);
    if (source->can_seek && status.st_size == 0)
        return tl_fail(diag, TL_EEMPTY, "%s is empty (0 bytes)", source->name);
    return make_context(source, read_fd, seek_fd, diag);
}

static int open_stdin(TlSource *source, TlDiag *diag)
{
    struct stat status;

    tl_strcpy(source->name, sizeof source->name, "standard input");
    source->fd = STDIN_FILENO;
    if (fstat(source->fd, &status) < 0)
        return tl_fail(diag, tl_errno_code(errno), "cannot read standard input: %s", strerror(errno));
    source->can_seek = S_ISREG(status.st_mode);
    return make_context(source, read_fd, seek_fd, diag);
}

// libav calls an unknown host an I/O error. Asks again, for the sentence only; 1 with the host's name and the reason.
static int host_is_unknown(const char *url, char *host, size_t size, const char **reason)
{
    const char *begin = strstr(url, "://") + 3, *end = begin + strcspn(begin, "/?#");
    const char *user = memchr(begin, '@', (size_t)(end - begin));
    struct addrinfo *found = NULL;

    if (getenv("http_proxy")) // then others look the name up
        return 0;
    if (user)
        begin = user + 1;
    size_t length = strcspn(begin, "/?#:");
    if (*begin == '[' || !length || length >= size)
        return 0;
    memcpy(host, begin, length);
    host[length] = 0;
    int error = getaddrinfo(host, NULL, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &found);
    if (!error)
        freeaddrinfo(found);
    *reason = gai_strerror(error);
    return error != 0;
}

static int open_http(TlSource *source, const char *url, TlDiag *diag)
{
    char text[AV_ERROR_MAX_STRING_SIZE], host[TL_NAME_SIZE];
    const char *reason, *authorities = getenv("SSL_CERT_FILE");
    AVDictionary *options = NULL;

    source->is_network = 1;
    av_dict_set(&options, "protocol_whitelist", "http,https,tcp,tls", 0);
    av_dict_set(&options, "tls_verify", "1", 0); // libav would take any certificate
    if (authorities && authorities[0])
        av_dict_set(&options, "ca_file", authorities, 0);
    av_dict_set(&options, "rw_timeout", "15000000", 0); // us of silence
    av_dict_set(&options, "reconnect", "1", 0);         // a broken transfer goes on where it stopped
    av_dict_set(&options, "reconnect_delay_max", "4", 0);
    av_dict_set(&options, "user_agent", "touchline", 0);
    int ret = avio_open2(&source->pb, url, AVIO_FLAG_READ, &source->interrupt, &options);
    av_dict_free(&options);
    if (ret >= 0) {
        source->can_seek = (source->pb->seekable & AVIO_SEEKABLE_NORMAL) != 0;
        source->has_length = avio_size(source->pb) > 0;
        return TL_OK;
    }
    if (ret == AVERROR_EXIT)
        return tl_fail(diag, TL_EINTERRUPTED, "interrupted while connecting to %s", source->name);
    if (ret == AVERROR(EIO) && host_is_unknown(url, host, sizeof host, &reason))
        return tl_fail(diag, TL_ENET, "cannot fetch %s: the host '%s' was not found (%s)", source->name, host, reason);
    return tl_fail(diag, tl_libav_code(ret, TL_ENET), "cannot fetch %s: %s", source->name,
                   tl_libav_text(text, sizeof text, ret));
}

int tl_source_open(TlSource *source, const char *path, const struct TlByteSource *bytes, const atomic_int *cancel,
                   TlDiag *diag)
{
    *source = (TlSource){.fd = -1, .cancel = cancel};
    source->interrupt = (AVIOInterruptCB){interrupt_callback, source};
    tl_libav_init();
    if (bytes) {
        source->bytes = *bytes;
        source->can_seek = bytes->seek != NULL;
        tl_strcpy(source->name, sizeof source->name, "the byte source");
        if (path)
            snprintf(source->name, sizeof source->name, "'%.200s'", path);
        return make_context(source, read_bytes, seek_bytes, diag);
    }
    if (!path || !*path)
        return tl_fail(diag, TL_ENOENT, "the name of the input is empty");
    if (!strcmp(path, "-"))
        return open_stdin(source, diag);
    snprintf(source->name, sizeof source->name, "'%.200s'", path);
    if (!strncmp(path, "http://", 7) || !strncmp(path, "https://", 8))
        return open_http(source, path, diag);
    if (strstr(path, "://") && access(path, F_OK) < 0)
        return tl_fail(diag, TL_ENOENT, "cannot read %s: only http:// and https:// addresses are supported",
                       source->name);
    return open_file(source, path, diag);
}

void tl_source_close(TlSource *source)
{
    if (source->pb && source->is_custom) {
        av_freep(&source->pb->buffer);
        avio_context_free(&source->pb);
    } else if (source->pb) {
        avio_closep(&source->pb);
    }
    if (source->owns_fd)
        close(source->fd);
    *source = (TlSource){.fd = -1};
}

int tl_source_peek(TlSource *source, TlDiag *diag)
{
    uint8_t head[12];
    int count = avio_read(source->pb, head, sizeof head);

    if (tl_source_is_cancelled(source))
        return tl_fail(diag, TL_EINTERRUPTED, "interrupted while opening %s", source->name);
    if (tl_source_error(source))
        return tl_fail(diag, tl_source_error(source), "reading %s failed", source->name);
    if (count <= 0)
        return tl_fail(diag, TL_EEMPTY, "%s is empty (0 bytes)", source->name);
    source->is_mp4 = count == (int)sizeof head && !memcmp(head + 4, "ftyp", 4);
    // Still in the buffer: works for pipes too.
    return avio_seek(source->pb, 0, SEEK_SET) < 0 ? tl_fail(diag, TL_EIO, "cannot read %s", source->name) : TL_OK;
}
