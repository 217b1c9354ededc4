// A chain node's whole side of a connection: the input is what it sends after the request, over WebSocket or HTTP.
// The node's proof of the WebSocket handshake is put in front when the input begins with 'w'.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "fuzz.h"
#include "rpc.h"
#include "sr25519.h"

typedef struct Node {
    int listener, port;
    const uint8_t *data;
    size_t size;
} Node;

static void open_node(Node *node)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    node->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(bind(node->listener, (struct sockaddr *)&address, sizeof address) == 0);
    FUZZ_CHECK(listen(node->listener, 4) == 0);
    FUZZ_CHECK(getsockname(node->listener, (struct sockaddr *)&address, &length) == 0);
    node->port = ntohs(address.sin_port);
}

// 101 with the key that RFC 6455 asks for.
static void shake_hands(int fd, const char *request)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    const char *key = strstr(request, name);
    char text[512], accept[64];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!key)
        return;
    key += sizeof name - 1;
    int length = snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)strcspn(key, "\r"), key);
    EVP_Digest(text, (size_t)length, digest, &n, EVP_sha1(), NULL);
    sodium_bin2base64(accept, sizeof accept, digest, n, sodium_base64_VARIANT_ORIGINAL);
    length = snprintf(text, sizeof text,
                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: %s\r\n\r\n",
                      accept);
    (void)!send(fd, text, (size_t)length, MSG_NOSIGNAL);
}

static void *node_main(void *opaque)
{
    Node *node = opaque;
    char request[4096];
    int fd = accept(node->listener, NULL, NULL);
    if (fd < 0)
        return NULL;
    ssize_t n = recv(fd, request, sizeof request - 1, 0);
    const uint8_t *data = node->data;
    size_t size = node->size;
    request[n > 0 ? n : 0] = 0;
    if (size && data[0] == 'w') {
        shake_hands(fd, request);
        data++;
        size--;
    }
    (void)!send(fd, data, size, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (recv(fd, request, sizeof request, 0) > 0)
        ;
    close(fd);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Node node;
    char url[64];
    pthread_t thread;
    TlStrbuf reply = {0};
    TlDiag diag = {0};
    FUZZ_CHECK(tl_sr25519_init() == 0);
    if (!node.port)
        open_node(&node);
    node.data = data;
    node.size = size;
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/", size && data[0] == 'h' ? "http" : "ws", node.port);
    TlRpcCall call = {.url = url, .method = "x", .params = "[]", .timeout_s = 2};
    if (size && data[0] == 'h') {
        node.data++;
        node.size--;
    }
    FUZZ_CHECK(pthread_create(&thread, NULL, node_main, &node) == 0);
    int ret = tl_rpc_call(&call, &reply, &diag);
    pthread_join(thread, NULL);
    FUZZ_CHECK(ret == TL_OK || diag.text[0]);
    FUZZ_CHECK(reply.length <= 16u << 20);
    tl_strbuf_deinit(&reply);
    return 0;
}
