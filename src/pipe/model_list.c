// The shipped networks: what their files and the cards beside them say.
//
// In: the folder where the player network is found. Out: one TlModelInfo a file, sorted by name.
#include <touchline/system.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "infer/infer.h"
#include "pipe/settings.h"

static int is_model(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 5 && !strcmp(entry->d_name + length - 5, ".onnx") && entry->d_name[0] != '.';
}

// Byte order, whatever the locale says.
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

// Path of the i-th model. The entries come from scandir and so from malloc.
static int model_at(int i, char *path, size_t size, TlDiag *diag)
{
    struct dirent **entries = NULL;
    char folder[TL_PATH_SIZE];

    int ret = tl_model_path("players.onnx", folder, sizeof folder, diag);
    if (ret < 0)
        return ret;
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    int count = scandir(folder, &entries, is_model, by_name);
    if (i < count)
        ret = snprintf(path, size, "%s/%s", folder, entries[i]->d_name) < (int)size
                  ? TL_OK
                  : tl_fail(diag, TL_ELIMIT, "the path of the models folder is too long");
    for (int k = 0; k < count; k++)
        free(entries[k]);
    free(entries);
    return i < count ? ret : TL_EOF;
}

static void add_fact(TlModelInfo *info, const char *key, size_t key_length, const char *value)
{
    if (info->fact_count == TL_MODEL_FACT_MAX)
        return;
    snprintf(info->fact[info->fact_count].key, sizeof info->fact->key, "%.*s", (int)key_length, key);
    (void)tl_strcpy(info->fact[info->fact_count].value, sizeof info->fact->value, value);
    info->fact_count++;
}

// "f32 [N,3,384,640]"; symbolic sizes are shown as "?".
static void shape_text(const char *name, const char *type, const int64_t *dim, int rank, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "%s %s[", name, type);

    for (int i = 0; i < rank && at < size; i++)
        at += dim[i] < 0 ? (size_t)snprintf(text + at, size - at, i ? ",?" : "N")
                         : (size_t)snprintf(text + at, size - at, "%s%lld", i ? "," : "", (long long)dim[i]);
    if (at < size)
        snprintf(text + at, size - at, "]");
}

// Lines of the form "- Key: value", "**Key**: value" or "Key: value" before the first table or code of the card.
static void read_card(TlModelInfo *info)
{
    char line[1024];
    FILE *file = fopen(info->card, "re");

    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '|' || !strncmp(line, "```", 3))
            break; // prose with colons follows
        char *key = line + strspn(line, "-* ");
        char *colon = strstr(key, ": ");
        size_t length = colon ? (size_t)(colon - key) : 0;
        while (length && key[length - 1] == '*')
            length--;
        if (!length || length > 24 || line[0] == '#')
            continue;
        char *value = colon + 2 + strspn(colon + 2, "* ");
        add_fact(info, key, length, value);
    }
    if (file)
        fclose(file);
}

static void fill_info(TlModelInfo *info, const TlModelMeta *meta)
{
    static const char digits[] = "0123456789abcdef";
    const char *type = meta->input_dtype == TL_DTYPE_U8 ? "u8 " : meta->input_dtype == TL_DTYPE_F32 ? "f32 " : "";

    info->bytes = meta->file_bytes;
    for (int i = 0; i < 32; i++) {
        info->sha256[2 * i] = digits[meta->hash[i] >> 4];
        info->sha256[2 * i + 1] = digits[meta->hash[i] & 15];
    }
    shape_text(meta->input_name, type, meta->input_dim, meta->input_rank, info->input, sizeof info->input);
    for (int i = 0; i < meta->output_count; i++) {
        size_t at = strlen(info->outputs);
        if (i && at + 2 < sizeof info->outputs)
            at += (size_t)snprintf(info->outputs + at, sizeof info->outputs - at, ", ");
        shape_text(meta->output[i].name, "", meta->output[i].dim, meta->output[i].rank, info->outputs + at,
                   sizeof info->outputs - at);
    }
    for (int i = 0; i < meta->count; i++)
        add_fact(info, meta->item[i].key, strlen(meta->item[i].key), meta->item[i].value);
}

int tl_model_info(int i, TlModelInfo *info, TlDiag *diag)
{
    *info = (TlModelInfo){0};
    int ret = model_at(i, info->path, sizeof info->path, diag);
    if (ret < 0)
        return ret;
    TlModelMeta *meta = tl_calloc(1, sizeof *meta);
    if (!meta)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the models");
    ret = tl_model_meta_read(meta, info->path, diag);
    if (ret == TL_OK) {
        fill_info(info, meta);
        snprintf(info->card, sizeof info->card, "%.*s.md", (int)strlen(info->path) - 5, info->path);
        if (access(info->card, R_OK) == 0)
            read_card(info);
        else
            info->card[0] = '\0';
    }
    tl_free(&meta);
    return ret;
}
