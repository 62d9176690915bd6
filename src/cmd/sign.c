/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen sign imgproxy (contract: sign.h). Everything that an imgproxy would know comes from IMGPROXY_* as it does
 * there; the flags below stand for single variables and win over them.
 */
#include "cmd/sign.h"

#include <stdio.h>
#include <string.h>

#include "base/cipher.h"
#include "base/clock.h"
#include "base/codec.h"
#include "doors/imgproxy/env.h"
#include "doors/imgproxy/explain.h"
#include "doors/imgproxy/signature.h"

extern char **environ;

#define MEMORY ((size_t)16 << 20)
#define OUTPUT_MAX ((size_t)1 << 20)
#define ENVIRONMENT_MAX 4096

const char alb_sign_text[] =
    "Prints the signed URL of a picture, as imgproxy and albumen's door for it want it. Such as:\n"
    "albumen sign imgproxy --base https://img.example rs:fill:300:200 q:80 https://example.com/a.jpg\n"
    "OPTION is one of imgproxy's, or \"-\" for the next pipeline; SOURCE is the picture's URL as it is. "
    "With\n"
    "--explain it tells instead how a URL is understood, whether its signature is right, and if it is not, "
    "which of\n"
    "the usual mistakes was made. Every IMGPROXY_* variable is read as imgproxy reads it (presets, base URL, "
    "allowed\n"
    "sources ...); an option in brackets stands for one of them. Exit status 0: done, or the URL is right, "
    "1: it is\n"
    "not, 2: wrong usage.\n"
    "--key HEX             the key [KEY]; better in the environment: others can see the command line\n"
    "--salt HEX            the salt [SALT]; several keys and salts with commas, the first pair signs\n"
    "--signature-size N    bytes of the signature, 1 to 32 [SIGNATURE_SIZE]\n"
    "--base URL            what stands in front of the path, such as https://img.example; default: nothing\n"
    "--prefix PATH         the path that imgproxy is mounted at [PATH_PREFIX]\n"
    "--separator TEXT      what stands between arguments [ARGUMENTS_SEPARATOR]\n"
    "--format EXT          the format of the result, written behind the source\n"
    "--base64              the source in base64 instead of plain\n"
    "--encrypt             the source encrypted\n"
    "--encryption-key HEX  the key for that [SOURCE_URL_ENCRYPTION_KEY]\n"
    "--info                a URL of /info\n"
    "--explain URL         tell how URL is understood\n"
    "imagor is the language of thumbor and imagor: its parts as words, and then the source. Such as:\n"
    "albumen sign imagor --base https://img.example fit-in/300x200 'filters:quality(80)' https://example.com/a.jpg\n"
    "--secret TEXT         the secret [IMAGOR_SECRET]; better in the environment\n"
    "--signer TYPE[:N]     sha1, sha256 or sha512, N characters of it [IMAGOR_SIGNER_TYPE, _TRUNCATE]; default: sha1\n"
    "--base URL            what stands in front of the path\n"
    "--explain URL         tell how URL is understood, and whether its signature is right\n";

enum { FLAG_KEY, FLAG_SALT, FLAG_SIZE, FLAG_PREFIX, FLAG_SEPARATOR, FLAG_ENCRYPTION_KEY, VARIABLES };
enum { FLAG_BASE = VARIABLES, FLAG_FORMAT, FLAG_EXPLAIN, VALUES };
enum { FLAG_BASE64 = VALUES, FLAG_ENCRYPT, FLAG_INFO, FLAGS };

static const struct {
    const char *flag, *variable;
} flags[FLAGS] = {
    [FLAG_KEY] = {"key", "IMGPROXY_KEY"},
    [FLAG_SALT] = {"salt", "IMGPROXY_SALT"},
    [FLAG_SIZE] = {"signature-size", "IMGPROXY_SIGNATURE_SIZE"},
    [FLAG_PREFIX] = {"prefix", "IMGPROXY_PATH_PREFIX"},
    [FLAG_SEPARATOR] = {"separator", "IMGPROXY_ARGUMENTS_SEPARATOR"},
    [FLAG_ENCRYPTION_KEY] = {"encryption-key", "IMGPROXY_SOURCE_URL_ENCRYPTION_KEY"},
    [FLAG_BASE] = {"base", NULL},
    [FLAG_FORMAT] = {"format", NULL},
    [FLAG_EXPLAIN] = {"explain", NULL},
    [FLAG_BASE64] = {"base64", NULL},
    [FLAG_ENCRYPT] = {"encrypt", NULL},
    [FLAG_INFO] = {"info", NULL},
};

struct call {
    const char *value[FLAGS]; /* "" of a switch that is on */
    char **word;
    int words;
    struct alb_arena *arena;
    struct alb_imgproxy_config *config;
};

static int usage(const char *text, const char *what)
{
    fprintf(stderr, "albumen: sign: %s%s\n(albumen sign --help shows the options)\n", text, what);
    return 2;
}

/* ---- words and flags ---- */

static int flag_of(struct alb_str name)
{
    for (int i = 0; i < FLAGS; i++) {
        if (alb_str_eq_c(name, flags[i].flag))
            return i;
    }
    return -1;
}

/* Flags may stand anywhere; "--" ends them. Words are kept in argv. False: said why. */
static bool read_words(int argc, char **argv, struct call *call)
{
    bool open = true;

    call->word = argv;
    for (int i = 0; i < argc; i++) {
        struct alb_str name, value;
        if (!open || strncmp(argv[i], "--", 2) != 0) {
            argv[call->words++] = argv[i];
            continue;
        }
        open = argv[i][2] != '\0';
        if (!open)
            continue;
        bool with_value = alb_str_cut(alb_str_c(argv[i] + 2), '=', &name, &value);
        int flag = flag_of(name);
        if (flag < 0 || (flag >= VALUES && with_value))
            return usage("there is no option ", argv[i]) == 0;
        if (flag < VALUES && !with_value && i + 1 == argc)
            return usage("a value is wanted behind ", argv[i]) == 0;
        call->value[flag] = flag >= VALUES ? "" : (with_value ? value.p : argv[++i]);
    }
    return true;
}

/* The environment with the flags' variables in place of its own. */
static enum alb_code configure(struct call *call, struct alb_err *err)
{
    const char **envp = alb_arena_calloc(call->arena, ENVIRONMENT_MAX + VARIABLES + 1, sizeof(*envp));
    size_t n = 0;

    if (envp == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    for (size_t i = 0; i < VARIABLES; i++) {
        if (call->value[i] != NULL)
            envp[n++] = alb_arena_printf(call->arena, "%s=%s", flags[i].variable, call->value[i]).p;
    }
    for (char **e = environ; *e != NULL && n < ENVIRONMENT_MAX; e++) {
        struct alb_str name, value;
        bool mine = false;
        (void)alb_str_cut(alb_str_c(*e), '=', &name, &value);
        for (size_t i = 0; i < VARIABLES; i++)
            mine |= call->value[i] != NULL && alb_str_eq_c(name, flags[i].variable);
        if (!mine)
            envp[n++] = *e;
    }
    return alb_imgproxy_config_from_env(envp, &call->config, NULL, err);
}

/* ---- making ---- */

static void put_plain(struct alb_buf *out, struct alb_str source)
{
    alb_buf_c(out, "plain/");
    for (size_t i = 0; i < source.n; i++) {
        unsigned char c = (unsigned char)source.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("%?@#\"<>\\^`{|}", (char)c) != NULL)
            alb_percent_encode(out, alb_str_sub(source, i, 1));
        else
            alb_buf_char(out, (char)c);
    }
}

/* The IV follows from key and source, so that one source has one URL and caches find it again. */
static enum alb_code put_encrypted(const struct call *call, struct alb_buf *out, struct alb_str source,
                                   struct alb_err *err)
{
    unsigned char iv[ALB_SHA256_LEN], *room = alb_arena_alloc(call->arena, alb_aes_cbc_room(source.n));

    if (call->config->encryption_key.n == 0)
        return alb_fail(err, ALB_E_INVALID,
                        "--encrypt needs --encryption-key or IMGPROXY_SOURCE_URL_ENCRYPTION_KEY");
    alb_hmac_sha256(call->config->encryption_key, source, iv);
    if (room == NULL || !alb_aes_cbc_encrypt(call->config->encryption_key, iv, source, room))
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to encrypt the source");
    alb_buf_c(out, "enc/");
    alb_b64_encode(out, room, alb_aes_cbc_room(source.n), ALB_B64_URL);
    return ALB_OK;
}

static enum alb_code put_path(const struct call *call, struct alb_buf *out, struct alb_err *err)
{
    struct alb_str source = alb_str_c(call->word[call->words - 1]);
    bool plain = call->value[FLAG_BASE64] == NULL && call->value[FLAG_ENCRYPT] == NULL;

    for (int i = 0; i + 1 < call->words; i++) {
        alb_buf_c(out, call->word[i]);
        alb_buf_char(out, '/');
    }
    if (call->value[FLAG_ENCRYPT] != NULL) {
        enum alb_code code = put_encrypted(call, out, source, err);
        if (code != ALB_OK)
            return code;
    } else if (plain) {
        put_plain(out, source);
    } else {
        alb_b64_encode(out, source.p, source.n, ALB_B64_URL);
    }
    if (call->value[FLAG_FORMAT] != NULL)
        alb_buf_printf(out, "%c%s", plain ? '@' : '.', call->value[FLAG_FORMAT]);
    if (alb_buf_code(out) != ALB_OK)
        return alb_fail(err, alb_buf_code(out), "the URL is too long");
    return ALB_OK;
}

static enum alb_imgproxy_refusal parse(const struct call *call, const struct alb_imgproxy_url *url,
                                       struct alb_imgproxy_request *request, struct alb_err *err)
{
    struct alb_imgproxy_setting set = {
        .config = call->config, .arena = call->arena, .now = alb_wall(alb_clock_real()) / 1000};

    return alb_imgproxy_request_parse(&set, url, request, err);
}

/* What is signed is what imgproxy would make of it on arrival: a URL that it would refuse is not made. */
static enum alb_code make(const struct call *call, struct alb_buf *out, struct alb_err *err)
{
    const struct alb_imgproxy_config *c = call->config;
    struct alb_imgproxy_request *request = ALB_ARENA_NEW(call->arena, struct alb_imgproxy_request);
    struct alb_imgproxy_url url = {.info = call->value[FLAG_INFO] != NULL, .signature = ALB_STR("-")};
    struct alb_buf path = ALB_BUF_INIT(ALB_IMGPROXY_TARGET_MAX);
    enum alb_code code = put_path(call, &path, err);

    if (code == ALB_OK) {
        url.received = alb_buf_view(&path);
        url.path = alb_imgproxy_url_mend(call->arena, url.received);
        if (request == NULL || url.path.p == NULL)
            code = alb_fail(err, ALB_E_NO_MEMORY, "no memory");
        else if (parse(call, &url, request, err) != ALB_IMGPROXY_FINE)
            code = ALB_E_INVALID;
    }
    for (size_t i = 0; code == ALB_OK && i < request->warnings; i++)
        fprintf(stderr, "albumen: warning: %.*s\n", ALB_STR_ARG(request->warning[i]));
    if (code == ALB_OK) {
        struct alb_str signature = alb_imgproxy_signature_make(call->arena, c->keys.item[0], c->salts.item[0],
                                                               (size_t)c->signature_size, url.path);
        struct alb_str base = alb_str_c(call->value[FLAG_BASE]);
        while (base.n > 0 && base.p[base.n - 1] == '/')
            base.n--;
        alb_buf_str(out, base);
        alb_buf_str(out, c->path_prefix);
        alb_buf_printf(out, "%s/%.*s/", url.info ? "/info" : "", ALB_STR_ARG(signature));
        alb_buf_str(out, url.path);
        alb_buf_char(out, '\n');
        code = alb_buf_code(out);
    }
    alb_buf_fini(&path);
    return code;
}

/* ---- explaining ---- */

/* "https://host/path" -> "https://host" and "/path"; a path alone has no origin. */
static void split_origin(struct alb_str text, struct alb_str *origin, struct alb_str *target)
{
    size_t scheme = alb_str_find_str(text, ALB_STR("://"));

    *origin = ALB_STR_NONE;
    *target = text;
    if (text.n == 0 || text.p[0] == '/' || scheme == ALB_STR_NPOS ||
        alb_str_find(alb_str_sub(text, 0, scheme), '/') != ALB_STR_NPOS)
        return;
    size_t slash = alb_str_find(alb_str_from(text, scheme + 3), '/');
    size_t end = slash == ALB_STR_NPOS ? text.n : scheme + 3 + slash;
    *origin = alb_str_sub(text, 0, end);
    *target = alb_str_from(text, end);
}

static int refused(enum alb_imgproxy_refusal r, const struct alb_err *err, struct alb_buf *out)
{
    alb_buf_printf(out, "refused with %d \"%s\":\n  %s\n", alb_imgproxy_refusal_status(r),
                   alb_imgproxy_refusal_text(r), err->msg);
    return 1;
}

static int explain(const struct call *call, struct alb_buf *out)
{
    const struct alb_imgproxy_config *c = call->config;
    struct alb_imgproxy_request *request = ALB_ARENA_NEW(call->arena, struct alb_imgproxy_request);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_imgproxy_url url;
    struct alb_str origin, target;

    split_origin(alb_str_c(call->value[FLAG_EXPLAIN]), &origin, &target);
    enum alb_imgproxy_refusal r = alb_imgproxy_url_split(c, call->arena, target, &url, &err);
    if (r != ALB_IMGPROXY_FINE || request == NULL)
        return refused(r, &err, out);
    int status =
        alb_imgproxy_signature_check(c, call->arena, url.signature, url.path, NULL, NULL) == ALB_IMGPROXY_FINE
            ? 0
            : 1;
    (void)alb_imgproxy_explain_signature(c, call->arena, &url, target, origin, out);
    r = parse(call, &url, request, &err);
    if (r != ALB_IMGPROXY_FINE)
        return refused(r, &err, out);
    alb_buf_c(out, "it asks for:\n");
    alb_imgproxy_describe(c, request, out);
    r = alb_imgproxy_request_check_sources(c, request, &err);
    return r != ALB_IMGPROXY_FINE ? refused(r, &err, out) : status;
}

/* ---- the command ---- */

static int run(struct call *call, struct alb_buf *out)
{
    struct alb_err err = ALB_ERR_INIT;
    bool explains = call->value[FLAG_EXPLAIN] != NULL;

    if (explains ? call->words > 0 : call->words == 0)
        return explains ? usage("--explain takes one URL and no ", call->word[0])
                        : usage("a source is wanted", "");
    if (configure(call, &err) != ALB_OK)
        return usage(err.msg, "");
    if (explains)
        return explain(call, out);
    if (!alb_imgproxy_config_signs(call->config))
        return usage("a key is wanted: --key and --salt, or IMGPROXY_KEY and IMGPROXY_SALT", "");
    if (make(call, out, &err) != ALB_OK) {
        fprintf(stderr, "albumen: sign: %s\n", err.msg);
        return 1;
    }
    return 0;
}

int alb_sign(int argc, char **argv)
{
    struct call call = {.arena = NULL};
    struct alb_buf out = ALB_BUF_INIT(OUTPUT_MAX);

    if (argc > 0 && strcmp(argv[0], "imagor") == 0)
        return alb_sign_imagor(argc - 1, argv + 1);
    if (argc == 0 || strcmp(argv[0], "imgproxy") != 0)
        return usage("the dialect is wanted: albumen sign imgproxy …, or imagor …", "");
    if (!read_words(argc - 1, argv + 1, &call))
        return 2;
    call.arena = alb_arena_new(MEMORY);
    int status = call.arena != NULL ? run(&call, &out) : 1;
    struct alb_str text = alb_buf_view(&out);
    if (text.n > 0)
        (void)fwrite(text.p, 1, text.n, stdout);
    alb_buf_fini(&out);
    alb_imgproxy_config_unref(call.config);
    alb_arena_free(&call.arena);
    return status;
}
