/* SPDX-License-Identifier: Apache-2.0
 *
 * What each variable is for: `albumen imgproxy --help`, the manual page. A unit test holds it against the table that
 * reads them (doors/imgproxy/env_table.c).
 */
#include "personality/imgproxy.h"

static const struct variable {
    const char *group; /* NULL: that of the one before */
    const char *name, *otherwise, *text;
} variables[] = {
    {"Signature", "KEY", "", "Keys in hex, separated by commas: any of them signs; with SALT"},
    {NULL, "SALT", "", "Salts in hex, one for each key"},
    {NULL, "SIGNATURE_SIZE", "32", "Bytes of a signature that count, 1 to 32"},
    {NULL, "TRUSTED_SIGNATURES", "", "Signatures that pass as they are"},
    {NULL, "SECRET", "", "Bearer token that every request must carry"},
    {"URLs", "ARGUMENTS_SEPARATOR", ":", "Between an option and its arguments"},
    {NULL, "PRESETS", "", "name=options,name=options; \"default\" comes before every URL's own"},
    {NULL, "PRESETS_SEPARATOR", ",", "Between presets"},
    {NULL, "PRESETS_PATH", "", "File of presets, one on a line"},
    {NULL, "ONLY_PRESETS", "false", "URLs name presets and nothing else"},
    {NULL, "INFO_PRESETS", "", "Presets of /info/"},
    {NULL, "INFO_PRESETS_PATH", "", "File of them"},
    {NULL, "INFO_ONLY_PRESETS", "ONLY_PRESETS", "The same for /info/"},
    {NULL, "ALLOWED_PROCESSING_OPTIONS", "all", "Options that URLs may use, as they are written"},
    {NULL, "ALLOWED_INFO_OPTIONS", "all", "The same for /info/"},
    {NULL, "ALLOW_SECURITY_OPTIONS", "false", "URLs may change limits"},
    {NULL, "ALLOW_BYPASS_CACHE", "false", "URLs may pass the caches by"},
    {NULL, "MAX_CHAINED_PIPELINES", "0", "Pipelines in one URL; 0: as many as there can be"},
    {NULL, "BASE64_URL_INCLUDES_FILENAME", "false", "The last part of an encoded source is a file's name"},
    {"Sources", "BASE_URL", "", "In front of every source"},
    {NULL, "URL_REPLACEMENTS", "", "pattern=text;pattern=text"},
    {NULL, "ALLOWED_SOURCES", "all",
     "Where sources may be; compared with the parsed address, also after redirects"},
    {NULL, "SOURCE_URL_ENCRYPTION_KEY", "", "Key of enc/ sources, hex, 16, 24 or 32 bytes"},
    {NULL, "LOCAL_FILESYSTEM_ROOT", "", "Folder of local:// sources"},
    {NULL, "SOURCE_URL_QUERY_SEPARATOR", "?", "Where a query begins in local:// sources; blank: nowhere"},
    {NULL, "ALLOW_LOOPBACK_SOURCE_ADDRESSES", "false", "Sources on this machine"},
    {NULL, "ALLOW_LINK_LOCAL_SOURCE_ADDRESSES", "false", "Sources at link-local addresses"},
    {NULL, "ALLOW_PRIVATE_SOURCE_ADDRESSES", "true", "Sources in private networks"},
    {NULL, "IGNORE_SSL_VERIFICATION", "false", "Certificates of sources are not looked at"},
    {NULL, "DOWNLOAD_TIMEOUT", "5", "Seconds for a source, everything together"},
    {NULL, "CLIENT_KEEP_ALIVE_TIMEOUT", "90", "Seconds that an unused connection to a source is kept; 0: no limit"},
    {NULL, "MAX_REDIRECTS", "10", "N lets N-1 of them through, as imgproxy's does"},
    {NULL, "USER_AGENT", "imgproxy/%current_version", "What sources are told"},
    {NULL, "REQUEST_HEADERS_PASSTHROUGH", "", "Headers that go along to sources"},
    {NULL, "RESPONSE_HEADERS_PASSTHROUGH", "",
     "Headers of sources that are handed on, but those about bytes, caches, cookies"},
    {NULL, "COOKIE_PASSTHROUGH", "false", "Cookies go along to the host that they are for"},
    {NULL, "COOKIE_PASSTHROUGH_ALL", "false", "Cookies go along to every host"},
    {NULL, "COOKIE_BASE_URL", "", "Whose cookies they are; else: of the host that was asked"},
    {NULL, "USE_S3", "false", "s3:// (not available yet; so also GCS, ABS, SWIFT)"},
    {NULL, "USE_GCS", "false", "gs:// (not available yet)"},
    {NULL, "USE_ABS", "false", "abs:// (not available yet)"},
    {NULL, "USE_SWIFT", "false", "swift:// (not available yet)"},
    {"Limits of pictures", "MAX_SRC_RESOLUTION", "50", "Megapixels of a source"},
    {NULL, "MAX_SRC_FILE_SIZE", "0", "Bytes of a source; 0: --picture-size"},
    {NULL, "MAX_ANIMATION_FRAMES", "1", "Frames of an animation; 1: the first alone"},
    {NULL, "MAX_ANIMATION_FRAME_RESOLUTION", "0",
     "Megapixels of one frame; 0: all of them count against MAX_SRC_RESOLUTION"},
    {NULL, "MAX_RESULT_DIMENSION", "0", "Longest side of a result; 0: --result-side"},
    {NULL, "SVG_UNLIMITED", "false", "Without the XML reader's own bounds; memory and time of a worker hold"},
    {NULL, "PNG_UNLIMITED", "false", "Without the PNG reader's own bounds; memory and time of a worker hold"},
    {"What a picture becomes where its URL does not say", "QUALITY", "80", "1 to 100"},
    {NULL, "FORMAT_QUALITY", "webp=79,avif=63,jxl=77", "The same by format"},
    {NULL, "AUTOQUALITY_METHOD", "none", "none, size or dssim"},
    {NULL, "AUTOQUALITY_TARGET", "0.02", "Bytes for size, a distance for dssim"},
    {NULL, "AUTOQUALITY_MIN", "70", "Lowest quality to try"},
    {NULL, "AUTOQUALITY_MAX", "80", "Highest"},
    {NULL, "AUTOQUALITY_ALLOWED_ERROR", "0.002", "Near enough"},
    {NULL, "AUTOQUALITY_FORMAT_MIN", "avif=60", "Lowest by format"},
    {NULL, "AUTOQUALITY_FORMAT_MAX", "avif=65", "Highest by format"},
    {NULL, "AUTOQUALITY_MAX_RESOLUTION", "0", "Megapixels of results that it is tried for; 0: all"},
    {NULL, "JPEG_PROGRESSIVE", "false", "Progressive JPEG"},
    {NULL, "JPEG_NO_SUBSAMPLE", "false", "Full colour resolution"},
    {NULL, "JPEG_TRELLIS_QUANT", "false", "Trellis quantisation, where the encoder can"},
    {NULL, "JPEG_OVERSHOOT_DERINGING", "false", "Overshooting at edges, where the encoder can"},
    {NULL, "JPEG_OPTIMIZE_SCANS", "false", "Best split into scans, where the encoder can"},
    {NULL, "JPEG_QUANT_TABLE", "0", "Table 0 to 8"},
    {NULL, "PNG_INTERLACED", "false", "Interlaced PNG"},
    {NULL, "PNG_QUANTIZE", "false", "PNG with a palette"},
    {NULL, "PNG_QUANTIZATION_COLORS", "256", "Its colours, 2 to 256"},
    {NULL, "WEBP_COMPRESSION", "lossy", "lossy, near_lossless or lossless"},
    {NULL, "WEBP_SMART_SUBSAMPLE", "false", "Sharper colour edges"},
    {NULL, "WEBP_PRESET", "default", "default, picture, photo, drawing, icon or text"},
    {NULL, "WEBP_EFFORT", "", "1 to 6, libwebp's methods; not set: the look and bytes of 4 in less time"},
    {NULL, "AVIF_SUBSAMPLE", "auto", "auto, on or off"},
    {NULL, "AVIF_SPEED", "", "0 to 9; not set: the look and bytes of 8 in less time"},
    {NULL, "JXL_EFFORT", "4", "1 to 9"},
    {NULL, "UNSHARP_MASKING_MODE", "auto", "auto, none or always, for URLs that ask for it"},
    {NULL, "UNSHARP_MASKING_WEIGHT", "1", "How strong"},
    {NULL, "UNSHARP_MASKING_DIVIDER", "24", "How weak"},
    {NULL, "STRIP_METADATA", "true", "Nothing but the picture is kept"},
    {NULL, "KEEP_COPYRIGHT", "true", "But who made it is"},
    {NULL, "STRIP_COLOR_PROFILE", "true", "Into sRGB, without a profile"},
    {NULL, "STRIP_METADATA_DPI", "72", "Resolution of what was stripped"},
    {NULL, "COLOR_PROFILES_DIR", "/usr/share/color/icc", "Folder of profiles that URLs may name"},
    {NULL, "AUTO_ROTATE", "true", "Upright, as the file's orientation says"},
    {NULL, "ENFORCE_THUMBNAIL", "false", "From the embedded thumbnail of a HEIC or AVIF"},
    {NULL, "PRESERVE_HDR", "false", "16 bits stay 16 bits where the format can"},
    {NULL, "USE_LINEAR_COLORSPACE", "false", "Resize in linear light"},
    {NULL, "DISABLE_SHRINK_ON_LOAD", "false", "Read every pixel"},
    {NULL, "SANITIZE_SVG", "true", "SVG that stays SVG loses scripts"},
    {NULL, "ALWAYS_RASTERIZE_SVG", "false", "SVG never stays SVG"},
    {NULL, "PDF_NO_BACKGROUND", "false", "PDF without white below"},
    {NULL, "RETURN_ATTACHMENT", "false", "Browsers save instead of showing"},
    {NULL, "ENABLE_VIDEO_THUMBNAILS", "true", "A frame of a video (imgproxy: false); false: 422"},
    {NULL, "VIDEO_THUMBNAIL_SECOND", "1", "Which"},
    {NULL, "VIDEO_THUMBNAIL_KEYFRAMES", "false", "Nearest key frame"},
    {NULL, "ENABLE_RAW_FORMATS", "true", "Camera RAW (imgproxy: false); false: 422"},
    {"Choice of format", "AUTO_WEBP", "false", "WebP for who takes it, if the URL names no format"},
    {NULL, "ENFORCE_WEBP", "false", "Also if it does"},
    {NULL, "AUTO_AVIF", "false", "AVIF"},
    {NULL, "ENFORCE_AVIF", "false", "AVIF"},
    {NULL, "AUTO_JXL", "false", "JPEG XL"},
    {NULL, "ENFORCE_JXL", "false", "JPEG XL"},
    {NULL, "ENABLE_WEBP_DETECTION", "false", "Old name of AUTO_WEBP"},
    {NULL, "ENABLE_AVIF_DETECTION", "false", "Old name of AUTO_AVIF"},
    {NULL, "ENABLE_CLIENT_HINTS", "false", "DPR and Width of requests count"},
    {NULL, "PREFERRED_FORMATS", "jpeg,png,gif", "Formats of results, first the best"},
    {NULL, "SKIP_PROCESSING_FORMATS", "", "Sources that are sent as they are"},
    {NULL, "BEST_FORMAT_COMPLEXITY_THRESHOLD", "5.5",
     "Bits of entropy of the brightness, below which \"best\" loses nothing"},
    {NULL, "BEST_FORMAT_MAX_RESOLUTION", "0", "Megapixels up to which \"best\" tries them all; 0: any"},
    {NULL, "BEST_FORMAT_BY_DEFAULT", "false", "\"best\" where the URL names no format"},
    {NULL, "BEST_FORMAT_ALLOW_SKIPS", "false", "\"best\" may leave a source as it is"},
    {"Watermark and fallback picture", "WATERMARK_DATA", "", "Picture, base64"},
    {NULL, "WATERMARK_PATH", "", "Or its file"},
    {NULL, "WATERMARK_URL", "", "Or its address"},
    {NULL, "WATERMARK_PREPROCESS_URL", "false", "BASE_URL and replacements for it too"},
    {NULL, "WATERMARK_OPACITY", "1", "Times the URL's own"},
    {NULL, "FALLBACK_IMAGE_DATA", "", "Picture for sources that cannot be had, base64"},
    {NULL, "FALLBACK_IMAGE_PATH", "", "Or its file"},
    {NULL, "FALLBACK_IMAGE_URL", "", "Or its address"},
    {NULL, "FALLBACK_IMAGE_PREPROCESS_URL", "false", "BASE_URL and replacements for it too"},
    {NULL, "FALLBACK_IMAGE_HTTP_CODE", "200", "Its status; 0: that of the error"},
    {NULL, "FALLBACK_IMAGE_TTL", "0", "Seconds it may be kept; 0: as TTL"},
    {"Server", "BIND", ":8080", "Where to listen (PORT: the port alone); a path for NETWORK=unix"},
    {NULL, "NETWORK", "tcp", "tcp, tcp4, tcp6 or unix"},
    {NULL, "PATH_PREFIX", "", "Of every URL"},
    {NULL, "WORKERS", "one per core",
     "Pictures made at the same time; more than cores are of no use, fewer than two there never are"},
    {NULL, "REQUESTS_QUEUE_SIZE", "512", "Pictures that wait for their turn; more: 429"},
    {NULL, "MAX_CLIENTS", "2048", "Connections; 0: 65536"},
    {NULL, "TIMEOUT", "10", "Seconds for a request, sending not counted; then 503"},
    {NULL, "READ_REQUEST_TIMEOUT", "10", "Seconds for the head of a request"},
    {NULL, "WRITE_RESPONSE_TIMEOUT", "10", "Seconds over which a client must take --min-rate-out bytes each"},
    {NULL, "KEEP_ALIVE_TIMEOUT", "10",
     "Seconds that a connection waits for the next request; 0: there is none"},
    {NULL, "GRACEFUL_STOP_TIMEOUT", "20", "Seconds for requests in flight after SIGTERM"},
    {NULL, "SO_REUSEPORT", "false", "Other processes may listen at the same address too"},
    {NULL, "TTL", "31536000", "Seconds that answers may be kept; 0: no-cache"},
    {NULL, "CACHE_CONTROL_PASSTHROUGH", "false", "As the source says"},
    {NULL, "USE_ETAG", "true", "ETag"},
    {NULL, "ETAG_BUSTER", "", "Changes all of them"},
    {NULL, "USE_LAST_MODIFIED", "true", "Last-Modified"},
    {NULL, "LAST_MODIFIED_BUSTER", "", "Not before this time (RFC 3339)"},
    {NULL, "SET_CANONICAL_HEADER", "false", "Link: to the source"},
    {NULL, "ENABLE_DEBUG_HEADERS", "false", "X-Origin-… and X-Result-…"},
    {NULL, "CACHE_TAGS_FORMAT", "all", "all, cloudfront, cloudflare or none"},
    {NULL, "ALLOW_ORIGIN", "", "Access-Control-Allow-Origin"},
    {NULL, "HEALTH_CHECK_PATH", "", "Another path of /health"},
    {NULL, "HEALTH_CHECK_MESSAGE", "imgproxy is running", "What it says"},
    {NULL, "SERVER_NAME", "imgproxy", "Server:"},
    {NULL, "DEVELOPMENT_ERRORS_MODE", "false", "Errors say precisely why"},
    {"Log and metrics", "LOG_FORMAT", "pretty on a terminal, else structured",
     "pretty, structured, json or gcp"},
    {NULL, "LOG_LEVEL", "info", "error, warn, info or debug"},
    {NULL, "PROMETHEUS_BIND", "", "Where metrics are answered, at any path; blank: nowhere"},
    {NULL, "PROMETHEUS_NAMESPACE", "", "Before the name of each"},
    {NULL, "ENV_LOCAL_FILE_PATH", "", "File of such variables; stronger than the environment"},
};

const char *alb_imgproxy_help_of(struct alb_str name)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(variables); i++)
        if (alb_str_eq_c(name, variables[i].name))
            return variables[i].text;
    return NULL;
}

static void as_text(const struct variable *v, struct alb_buf *out)
{
    if (v->group)
        alb_buf_printf(out, "\n%s:\n", v->group);
    alb_buf_printf(out, "  IMGPROXY_%s%s%s\n        %s\n", v->name, v->otherwise[0] ? "=" : "", v->otherwise,
                   v->text);
}

/* Nothing in the table begins with a dot or holds a backslash; a dash that is typed must not become a hyphen. */
static void typed(const char *text, struct alb_buf *out)
{
    for (; *text; text++) {
        if (*text == '-')
            alb_buf_char(out, '\\');
        alb_buf_char(out, *text);
    }
}

static void as_manual(const struct variable *v, struct alb_buf *out)
{
    if (v->group)
        alb_buf_printf(out, ".SS %s\n", v->group);
    alb_buf_printf(out, ".TP\n.BI IMGPROXY_%s%s ", v->name, v->otherwise[0] ? "=" : "");
    if (v->otherwise[0]) {
        alb_buf_char(out, '"');
        typed(v->otherwise, out);
        alb_buf_char(out, '"');
    }
    alb_buf_char(out, '\n');
    typed(v->text, out);
    alb_buf_char(out, '\n');
}

void alb_imgproxy_help(bool man, struct alb_buf *out)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(variables); i++)
        (man ? as_manual : as_text)(&variables[i], out);
}
