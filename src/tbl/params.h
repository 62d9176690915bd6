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
ALB_X(DATA, "data", STRING, "./data", ALB_CMD_SERVER_SIDE, "General", "Folder that holds everything albumen keeps")
ALB_X(CONFIG, "config", STRING, "", ALB_CMD_ALL, "General", "File with options; default DATA/albumen.conf if it exists")
ALB_X(LOG_LEVEL, "log-level", STRING, "info", ALB_CMD_ALL, "General", "debug, info, warn or error")
ALB_X(LOG_FORMAT, "log-format", STRING, "auto", ALB_CMD_ALL, "General", "logfmt, json, or auto: logfmt on a terminal")
