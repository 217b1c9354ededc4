// Web pages where a video was expected. In: the first bytes, or the page; out: is it one, and where does its form lead.
#include "download_page.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static int begins(const char *data, size_t n, const char *word)
{
    size_t length = strlen(word);
    return n >= length && strncasecmp(data, word, length) == 0;
}

int tl_page_is_html(const char *type, const char *data, size_t n)
{
    size_t blank = 0;
    if (begins(data, n, "\xef\xbb\xbf"))
        blank = 3;
    while (blank < n && data[blank] && strchr(" \t\r\n", data[blank]))
        blank++;
    data += blank;
    n -= blank;
    if (begins(data, n, "<html") || begins(data, n, "<!doctype"))
        return 1;
    return type && strncasecmp(type, "text/html", 9) == 0 && (n == 0 || data[0] == '<');
}

// Value of attribute `name` in the tag that begins at `tag`, &amp; resolved.
static int attribute(const char *tag, const char *name, char *out, size_t size)
{
    char key[32];
    const char *end = strchr(tag, '>');
    snprintf(key, sizeof key, " %s=\"", name);
    const char *at = strstr(tag, key);
    if (!end || !at || at > end)
        return -1;
    size_t n = 0;
    for (at += strlen(key); *at && *at != '"'; at += strncmp(at, "&amp;", 5) == 0 ? 5 : 1) {
        if (n + 1 >= size)
            return -1;
        out[n++] = *at;
    }
    out[n] = 0;
    return 0;
}

int tl_page_confirm_url(const char *page, char *url, size_t size)
{
    const char *form = strstr(page, "id=\"download-form\"");
    while (form && form > page && *form != '<')
        form--;
    if (!form || attribute(form, "action", url, size) < 0)
        return -1;
    size_t used = strlen(url);
    char separator = strchr(url, '?') ? '&' : '?';
    const char *end = strstr(form, "</form");
    for (const char *input = strstr(form, "<input"); input && (!end || input < end);
         input = strstr(input + 6, "<input")) {
        char name[64], value[256];
        if (attribute(input, "name", name, sizeof name) < 0 || attribute(input, "value", value, sizeof value) < 0)
            continue;
        int n = snprintf(url + used, size - used, "%c%s=%s", separator, name, value);
        if (n < 0 || (size_t)n >= size - used)
            return -1;
        used += (size_t)n;
        separator = '&';
    }
    return 0;
}
