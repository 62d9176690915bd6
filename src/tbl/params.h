/* SPDX-License-Identifier: Apache-2.0
 *
 * Every option that a person can set: ALB_X(id, name, type, default, commands, group, help).
 *   name      `--name VALUE` on the command line, ALBUMEN_NAME in the environment, `name = value` in
 *             albumen.conf (dashes stay in the file, become underscores in the environment)
 *   type      STRING, BOOL (flag alone = true, --no-name = false), INT, SIZE (k, M, G, T = powers of 1024),
 *             DURATION (ms, s, m, h, d), LIST (may be given again; comma-separated in the environment)
 *   commands  which commands know it, or-ed from ALB_CMD_*
 *   group     heading in --help
 * The same table makes --help, the man page and docs/OPTIONS.md. Limits (law 7) stand in the group "Limits".
 */
ALB_X(DATA, "data", STRING, "./data", ALB_CMD_SERVER_SIDE, "General",
      "Folder that holds everything albumen keeps")
ALB_X(CONFIG, "config", STRING, "", ALB_CMD_ALL, "General",
      "File with options; default DATA/albumen.conf if it exists")
ALB_X(LOG_LEVEL, "log-level", STRING, "info", ALB_CMD_ALL, "General", "debug, info, warn or error")
ALB_X(LOG_FORMAT, "log-format", STRING, "auto", ALB_CMD_ALL, "General",
      "logfmt, json, or auto: logfmt on a terminal")
ALB_X(ADMIN_PASSWORD, "admin-password", STRING, "", ALB_CMD_SERVE, "General",
      "Password of the first user, admin, of 8 bytes at least, set at the first start; better in the "
      "environment than on the command line")
ALB_X(SERVER, "server", STRING, "", ALB_CMD_IMPORT, "Server",
      "Where the albumen server answers, such as http://photos.example:8080")
ALB_X(KEY, "key", STRING, "", ALB_CMD_IMPORT, "Server",
      "API key (albumen key new prints one); others on this machine can see the command line: prefer "
      "ALBUMEN_KEY or --key-file")
ALB_X(KEY_FILE, "key-file", STRING, "", ALB_CMD_IMPORT, "Server", "File whose first line is the API key")
ALB_X(RETRY_FOR, "retry-for", DURATION, "5m", ALB_CMD_IMPORT, "Server",
      "How long a server that does not answer is tried again before a file fails")
ALB_X(STALL_TIMEOUT, "stall-timeout", DURATION, "60s", ALB_CMD_IMPORT, "Server",
      "A connection on which no byte moves for so long is given up and tried again (the wait for an answer: five "
      "times so long)")
ALB_X(CONCURRENT, "concurrent", INT, "0", ALB_CMD_IMPORT, "Speed",
      "Uploads at the same time, 1 to 20; 0: one per processor core, at least 4")
ALB_X(RECURSIVE, "recursive", BOOL, "true", ALB_CMD_IMPORT, "Selection", "Go into the folders of a folder")
ALB_X(INCLUDE_EXTENSIONS, "include-extensions", LIST, "", ALB_CMD_IMPORT, "Selection",
      "Import only files that end so: .jpg,.heic; also kinds that the server does not list")
ALB_X(EXCLUDE_EXTENSIONS, "exclude-extensions", LIST, "", ALB_CMD_IMPORT, "Selection",
      "Leave out files that end so")
ALB_X(BAN_FILE, "ban-file", LIST, "", ALB_CMD_IMPORT, "Selection",
      "Leave out names that match this pattern (* ? [...]; / at the end: folders only), beside the "
      "built-in list")
ALB_X(DATE_RANGE, "date-range", STRING, "", ALB_CMD_IMPORT, "Selection",
      "Import only files of this time: 2023, 2023-07, 2023-07-14 or FROM,TO; by the date in the name, "
      "else by the last change")
ALB_X(TRASHED, "trashed", STRING, "skip", ALB_CMD_IMPORT, "Selection",
      "Files that lie in the server's trash: skip, or restore them")
ALB_X(ALBUM, "album", STRING, "", ALB_CMD_IMPORT, "Albums and tags", "Put everything into this album")
ALB_X(FOLDER_AS_ALBUM, "folder-as-album", STRING, "NONE", ALB_CMD_IMPORT, "Albums and tags",
      "Albums from folders: NONE, FOLDER (its name) or PATH (the names from the given folder down)")
ALB_X(TAG, "tag", LIST, "", ALB_CMD_IMPORT, "Albums and tags",
      "Give everything this tag; a/b is tag b under a")
ALB_X(DRY_RUN, "dry-run", BOOL, "false", ALB_CMD_IMPORT, "Run",
      "Only say what would happen; nothing is written, here or on the server")
ALB_X(ON_ERRORS, "on-errors", STRING, "continue", ALB_CMD_IMPORT, "Run",
      "After a file has failed: continue, stop, or a number: stop after so many")
ALB_X(JOURNAL, "journal", STRING, "", ALB_CMD_IMPORT, "Run",
      "File that remembers hashes and half uploads; default in XDG_STATE_HOME/albumen")
ALB_X(NO_JOURNAL, "no-journal", BOOL, "false", ALB_CMD_IMPORT, "Run", "Remember nothing between runs")
ALB_X(QUIET, "quiet", BOOL, "false", ALB_CMD_IMPORT, "Run", "Print failures only")
ALB_X(JSON, "json", BOOL, "false", ALB_CMD_IMPORT, "Run", "Print the final report as JSON on standard output")
ALB_X(CACHE_DIR, "cache-dir", STRING, "", ALB_CMD_STAND_IN | ALB_CMD_CACHE, "General",
      "Folder of both caches, which several processes may share; default XDG_CACHE_HOME/albumen/ and the name of the "
      "command, and memory alone where that cannot be written. For `albumen cache`: work on that folder")
ALB_X(DEGRADE, "degrade", BOOL, "false", ALB_CMD_IMGPROXY, "General",
      "When the time of a request is nearly up, make a WebP instead of an AVIF, HEIC or JPEG XL; such an answer is "
      "kept nowhere")
ALB_X(CACHE_SIZE, "cache-size", SIZE, "10G", ALB_CMD_SERVE | ALB_CMD_CHECK | ALB_CMD_STAND_IN, "Limits",
      "Disk space for rendered pictures; 0: keep none")
ALB_X(CACHE_MAX_AGE, "cache-max-age", DURATION, "0", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Rendered pictures that are older are made again; 0: they never are")
ALB_X(PYRAMID, "pyramid", BOOL, "true", ALB_CMD_SERVE, "General",
      "Keep a smaller picture of high quality of each large photo, and make thumbnails and previews from that "
      "instead of the original")
ALB_X(CACHE_SCRUB_RATE, "cache-scrub-rate", SIZE, "4M", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Bytes a second that the background scrub reads of the disk caches, to find damage before somebody asks; 0: none")
ALB_X(CACHE_SCRUB_PAUSE, "cache-scrub-pause", DURATION, "24h", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Between two rounds of that, and before the first")
ALB_X(SOURCE_CACHE_SIZE, "source-cache-size", SIZE, "4G", ALB_CMD_SERVE | ALB_CMD_CHECK | ALB_CMD_STAND_IN, "Limits",
      "Disk space for copies of other servers' pictures; 0: keep none. One may take an eighth of it")
ALB_X(SOURCE_MEMORY, "source-memory", SIZE, "256M", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Memory for other servers' pictures in work: small ones, and all of them when the disk is full")
ALB_X(SOURCE_SPOOL, "source-spool", SIZE, "16G", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Disk space for other servers' pictures in work that are not kept, or not yet")
ALB_X(SOURCE_FETCHES, "source-fetches", INT, "256", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Other servers' pictures that are fetched at the same time; as many more wait")
ALB_X(SOURCE_FETCHES_PER_HOST, "source-fetches-per-host", INT, "64", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Of these from one server")
ALB_X(SOURCE_ENTRIES, "source-entries", INT, "4096", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Other servers' pictures that are known to be fresh without looking at the disk")
ALB_X(SOURCE_RECHECK, "source-recheck", DURATION, "5s", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "After how long a server that says nothing of freshness is asked again whether its picture has changed")
ALB_X(QUARANTINE_SIZE, "quarantine-size", SIZE, "256M", ALB_CMD_SERVE | ALB_CMD_CHECK | ALB_CMD_STAND_IN, "Limits",
      "Disk space for damaged files that are kept for a person to look at; the oldest go first")
ALB_X(UPLOAD_SIZE, "upload-size", SIZE, "64G", ALB_CMD_SERVE, "Limits", "Largest upload")
ALB_X(UPLOAD_SPACE, "upload-space", SIZE, "512G", ALB_CMD_SERVE, "Limits",
      "Disk space for all unfinished uploads together")
ALB_X(UPLOAD_COUNT, "upload-count", INT, "100000", ALB_CMD_SERVE, "Limits",
      "Uploads that are remembered at the same time, finished ones included")
ALB_X(UPLOADS_PER_USER, "uploads-per-user", INT, "20000", ALB_CMD_SERVE, "Limits",
      "Unfinished uploads of one user")
ALB_X(UPLOAD_SPACE_PER_USER, "upload-space-per-user", SIZE, "256G", ALB_CMD_SERVE, "Limits",
      "Disk space for the unfinished uploads of one user; 0: no limit but upload-space")
ALB_X(UPLOAD_MIN_FREE, "upload-min-free", SIZE, "256M", ALB_CMD_SERVE, "Limits",
      "Disk space that a new upload must leave free")
ALB_X(UPLOAD_KEEP, "upload-keep", DURATION, "14d", ALB_CMD_SERVE, "Limits",
      "How long an unfinished upload waits for its client to come back")
ALB_X(UPLOAD_KEEP_DONE, "upload-keep-done", DURATION, "1d", ALB_CMD_SERVE, "Limits",
      "How long the answer to a finished upload is kept for a client that lost it")
ALB_X(USER, "user", STRING, "", ALB_CMD_KEY, "Who", "Name or e-mail of the user that the key belongs to")
ALB_X(NAME, "name", STRING, "", ALB_CMD_KEY, "Who", "What to call the key, to recognise it in lists")
ALB_X(PERMISSIONS, "permissions", LIST, "all", ALB_CMD_KEY, "Who",
      "What the key may do, such as asset.read,asset.upload")
ALB_X(EXPIRES, "expires", DURATION, "0s", ALB_CMD_KEY, "Who",
      "How long the key is valid; 0: until it is revoked")
ALB_X(EMAIL, "email", STRING, "", ALB_CMD_USER, "Who", "E-mail address, which also signs in")
ALB_X(ADMIN, "admin", BOOL, "false", ALB_CMD_USER, "Who", "Make the new user an administrator")
ALB_X(QUOTA, "quota", SIZE, "0", ALB_CMD_USER, "Who", "Disk space of the new user's originals; 0: unlimited")
ALB_X(REPAIR, "repair", BOOL, "false", ALB_CMD_CHECK, "Run",
      "Make again what is derived: counters and effective values")
ALB_X(PUBLIC_METRICS, "public-metrics", BOOL, "false", ALB_CMD_SERVE, "General",
      "Let everybody read /metrics; without it an administrator's key is needed")
ALB_X(TRASH, "trash", DURATION, "30d", ALB_CMD_SERVE, "General",
      "How long deleted photos stay in the trash; 0: until it is emptied")
ALB_X(HISTORY, "history", DURATION, "90d", ALB_CMD_SERVE, "Limits",
      "How long what was done is remembered: changes for clients that synchronise, undo, failed jobs; 0: as long "
      "as there are no more than a million of each")
ALB_X(IO_THREADS, "io-threads", INT, "0", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Threads of the io pool; 0: four per processor core")
ALB_X(IO_QUEUE, "io-queue", INT, "4096", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Steps of new requests that may wait for an io thread")
ALB_X(RENDERS, "renders", INT, "0", ALB_CMD_SERVE, "Limits",
      "Pictures made at the same time, two at least, beside SVG and PDF; 0: one per processor core")
ALB_X(RENDER_QUEUE, "render-queue", INT, "512", ALB_CMD_SERVE, "Limits", "Pictures that may wait to be made")
ALB_X(RENDER_MEMORY, "render-memory", SIZE, "2G", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Memory that all pictures being made may want together; SVG and PDF may want half as much besides")
ALB_X(RENDER_TIMEOUT, "render-timeout", DURATION, "30s", ALB_CMD_SERVE, "Limits",
      "Longest work on one picture")
ALB_X(PROBE_TIMEOUT, "probe-timeout", DURATION, "60s", ALB_CMD_SERVE, "Limits",
      "Longest look at one uploaded file, waiting included")
ALB_X(PICTURE_SIZE, "picture-size", SIZE, "2G", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Largest file that is decoded")
ALB_X(PICTURE_PIXELS, "picture-pixels", INT, "300000000", ALB_CMD_SERVE, "Limits",
      "Most pixels of a picture that is decoded, told from its header")
ALB_X(ANIMATION_PIXELS, "animation-pixels", INT, "150000000", ALB_CMD_SERVE, "Limits",
      "Most pixels of an animation, all frames together")
ALB_X(ANIMATION_FRAMES, "animation-frames", INT, "1000", ALB_CMD_SERVE, "Limits", "Most frames of an animation")
ALB_X(RESULT_SIDE, "result-side", INT, "16383", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Longest side of a picture that is made, in pixels")
ALB_X(RESULT_PIXELS, "result-pixels", INT, "150000000", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Most pixels of a picture that is made, all frames together")
ALB_X(RESULT_SIZE, "result-size", SIZE, "512M", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Largest picture that is made, in bytes")
ALB_X(PICTURE_MEMORY, "picture-memory", SIZE, "2G", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Memory that one picture may be expected to need")
ALB_X(WORKER_MEMORY, "worker-memory", SIZE, "4G", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Memory that one worker process can get at all")
ALB_X(WORKER_JOBS, "worker-jobs", INT, "200", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Pictures after which a worker process is replaced")
ALB_X(WORKER_QUEUE, "worker-queue", INT, "1024", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Work that may wait for workers of one kind")
ALB_X(HOT_CACHE_SIZE, "hot-cache-size", SIZE, "64M", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Memory for pictures that are asked for often")
ALB_X(SIGN_IN_TRIES, "sign-in-tries", INT, "5", ALB_CMD_SERVE, "Limits",
      "Wrong passwords for one account from one address before the next one must wait; from one address for any "
      "account: four times so many")
ALB_X(SIGN_IN_DELAY, "sign-in-delay", DURATION, "30s", ALB_CMD_SERVE, "Limits",
      "Longest such wait; it begins with one second and doubles")
ALB_X(SIGN_IN_MEMORY, "sign-in-memory", DURATION, "15m", ALB_CMD_SERVE, "Limits",
      "How long wrong passwords are remembered")
ALB_X(SIGN_IN_ENTRIES, "sign-in-entries", INT, "4096", ALB_CMD_SERVE, "Limits",
      "Accounts and addresses whose wrong passwords are remembered")
ALB_X(STUCK_AFTER, "stuck-after", DURATION, "60s", ALB_CMD_SERVE, "Limits",
      "How long something may wait before /health says 503")
ALB_X(SHUTDOWN_TIMEOUT, "shutdown-timeout", DURATION, "20s", ALB_CMD_SERVE, "Limits",
      "How long requests may go on after SIGTERM")
ALB_X(HOOKS_DIR, "hooks-dir", STRING, "", ALB_CMD_SERVE, "Hooks",
      "Folder of programs that are told of uploads and may have a say, each named like its event")
ALB_X(HOOKS_URL, "hooks-url", STRING, "", ALB_CMD_SERVE, "Hooks", "Or the URL that these events are sent to")
ALB_X(HOOKS_EVENTS, "hooks-events", LIST,
      "pre-create,post-create,post-receive,post-terminate,post-finish", ALB_CMD_SERVE, "Hooks",
      "Events that are told; also pre-finish, pre-terminate and authorise")
ALB_X(HOOKS_HEADERS, "hooks-headers", LIST, "", ALB_CMD_SERVE, "Hooks",
      "Headers of the client's request that go along to the URL")
ALB_X(HOOKS_TIMEOUT, "hooks-timeout", DURATION, "60s", ALB_CMD_SERVE, "Hooks",
      "Longest wait for the answer of a hook, all attempts together")
ALB_X(HOOKS_TELL_TIMEOUT, "hooks-tell-timeout", DURATION, "10m", ALB_CMD_SERVE, "Hooks",
      "Longest run of a program that is told what happened; then it is killed, and tried again later")
ALB_X(IMGPROXY_KEY, "imgproxy-key", LIST, "", ALB_CMD_SERVE, "Pictures by URL",
      "USER:KEY:SALT (hexadecimal): URLs below /imgproxy/ that are signed with this pair show what that user may see; "
      "several at a time to change them. It is a secret: better in albumen.conf than on the command line")
ALB_X(IMGPROXY_SOURCES, "imgproxy-sources", LIST, "", ALB_CMD_SERVE, "Pictures by URL",
      "Servers that pictures may be fetched from, such as https://*.example.com/ (https:// means all of them); none "
      "without it")
ALB_X(IMGPROXY_PRIVATE_SOURCES, "imgproxy-private-sources", BOOL, "false", ALB_CMD_SERVE, "Pictures by URL",
      "Of these also servers in private networks and on this machine")
ALB_X(LOCAL_ROOT, "local-root", STRING, "", ALB_CMD_SERVE, "Pictures by URL",
      "Folder whose files local:///PATH names, for everybody who may ask for pictures at all")
ALB_X(IMGPROXY_SETTINGS, "imgproxy-settings", STRING, "", ALB_CMD_SERVE, "Pictures by URL",
      "File with further settings in imgproxy's own words, IMGPROXY_NAME=value on each line: presets, watermark, "
      "quality and the rest")
ALB_X(IMGPROXY_TIMEOUT, "imgproxy-timeout", DURATION, "30s", ALB_CMD_SERVE, "Pictures by URL",
      "Longest wait for a picture, its source and everything before it included")
ALB_X(IMAGOR_KEY, "imagor-key", LIST, "", ALB_CMD_SERVE, "Pictures by URL",
      "USER:SECRET: URLs below /imagor/ that are signed with this secret show what that user may see; several at a "
      "time to change them. It is a secret: better in albumen.conf than on the command line")
ALB_X(IMAGOR_SIGNER, "imagor-signer", STRING, "sha1", ALB_CMD_SERVE, "Pictures by URL",
      "How these URLs are signed: sha1, sha256 or sha512, and with :N only so many characters of it, such as sha256:40")
ALB_X(IMAGOR_SOURCES, "imagor-sources", LIST, "", ALB_CMD_SERVE, "Pictures by URL",
      "Servers that URLs below /imagor/ may name, such as *.example.com or photos.example.com:8443 (* means all of "
      "them); none without it")
ALB_X(IMAGOR_PRIVATE_SOURCES, "imagor-private-sources", BOOL, "false", ALB_CMD_SERVE, "Pictures by URL",
      "Of these also servers in private networks and on this machine")
ALB_X(SOURCE_TIMEOUT, "source-timeout", DURATION, "10s", ALB_CMD_SERVE, "Pictures by URL",
      "Longest transfer of one source from another server")
ALB_X(LISTEN, "listen", LIST, "127.0.0.1:8080", ALB_CMD_SERVE, "Network",
      "Where to answer: HOST:PORT, [IPV6]:PORT, unix:PATH[,MODE] or systemd (its sockets)")
ALB_X(PUBLIC_URL, "public-url", STRING, "", ALB_CMD_SERVE, "Network",
      "How people reach the server, such as https://photos.example; default: what each request says")
ALB_X(TRUSTED_PROXY, "trusted-proxy", LIST, "", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Network",
      "Addresses or networks of reverse proxies whose Forwarded and X-Forwarded-* are believed; unix: peers of "
      "Unix sockets")
ALB_X(PROXY_PROTOCOL, "proxy-protocol", BOOL, "false", ALB_CMD_SERVE, "Network",
      "Trusted proxies begin each connection with a PROXY header (version 1 or 2)")
ALB_X(CORS_ORIGIN, "cors-origin", LIST, "", ALB_CMD_SERVE, "Network",
      "Origins of other web pages that may use the API, such as https://app.example; *: all of them")
ALB_X(HTTP_LOOPS, "http-loops", INT, "0", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Event loops; 0: one per processor core, at most 8")
ALB_X(MAX_CONNECTIONS, "max-connections", INT, "10000", ALB_CMD_SERVE, "Limits",
      "Client connections at the same time")
ALB_X(MAX_CONNECTIONS_PER_ADDRESS, "max-connections-per-address", INT, "1024", ALB_CMD_SERVE, "Limits",
      "Of these from one address (IPv6: one /64); this machine and trusted proxies are not counted")
ALB_X(MAX_REQUESTS_PER_USER, "max-requests-per-user", INT, "512", ALB_CMD_SERVE, "Limits",
      "Requests of one user at the same time")
ALB_X(MAX_HEAD_SIZE, "max-head-size", SIZE, "64k", ALB_CMD_SERVE, "Limits",
      "Request line and headers together")
ALB_X(MAX_TARGET_SIZE, "max-target-size", SIZE, "32k", ALB_CMD_SERVE, "Limits", "Path and query of a request")
ALB_X(MAX_HEADERS, "max-headers", INT, "100", ALB_CMD_SERVE, "Limits",
      "Header lines of a request, at most 128")
ALB_X(MAX_SMALL_BODY, "max-small-body", SIZE, "4M", ALB_CMD_SERVE, "Limits",
      "Request bodies that are read whole (JSON, forms), where a route has no limit of its own")
ALB_X(BODY_BUFFER, "body-buffer", SIZE, "256k", ALB_CMD_SERVE, "Limits",
      "Buffer of one upload or download between network and disk, at least 16k")
ALB_X(BODY_MEMORY, "body-memory", SIZE, "512M", ALB_CMD_SERVE, "Limits",
      "All these buffers and small bodies together")
ALB_X(REQUEST_MEMORY, "request-memory", SIZE, "16M", ALB_CMD_SERVE, "Limits", "Working memory of one request")
ALB_X(HEAD_TIMEOUT, "head-timeout", DURATION, "15s", ALB_CMD_SERVE, "Limits",
      "From the first byte of a request to the end of its headers")
ALB_X(BODY_TIMEOUT, "body-timeout", DURATION, "60s", ALB_CMD_SERVE, "Limits",
      "From the end of the headers to the first byte of the body")
ALB_X(IDLE_TIMEOUT, "idle-timeout", DURATION, "75s", ALB_CMD_SERVE, "Limits",
      "Between two requests on one connection")
ALB_X(REQUEST_TIMEOUT, "request-timeout", DURATION, "1d", ALB_CMD_SERVE, "Limits",
      "A whole request, uploads included")
ALB_X(MIN_RATE_IN, "min-rate-in", SIZE, "256", ALB_CMD_SERVE, "Limits",
      "Least bytes per second of a client that sends; slower ones are cut off")
ALB_X(MIN_RATE_OUT, "min-rate-out", SIZE, "256", ALB_CMD_SERVE | ALB_CMD_STAND_IN, "Limits",
      "Least bytes per second of a client that reads; slower ones are cut off")
ALB_X(RATE_WINDOW, "rate-window", DURATION, "30s", ALB_CMD_SERVE, "Limits",
      "Time over which these rates are measured")
ALB_X(DRAIN_SIZE, "drain-size", SIZE, "64M", ALB_CMD_SERVE, "Limits",
      "How much of a refused body is read away, so that the client can read the answer and keep the connection")
ALB_X(DRAIN_TIMEOUT, "drain-timeout", DURATION, "30s", ALB_CMD_SERVE, "Limits", "How long that may take")
ALB_X(LINGER_TIMEOUT, "linger-timeout", DURATION, "5s", ALB_CMD_SERVE, "Limits",
      "How long a connection that we close still waits for the client to have read the answer")
