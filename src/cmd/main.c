/* SPDX-License-Identifier: Apache-2.0
 *
 * albumen: one binary, one table of commands. Parses options, shows help and the manual page from the same
 * tables, and hands over.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/log.h"
#include "cmd/admin.h"
#include "cmd/control.h"
#include "cmd/imagor_house.h"
#include "cmd/imgproxy_house.h"
#include "cmd/local.h"
#include "cmd/serve.h"
#include "cmd/sign.h"
#include "cmd/terminal.h"
#include "import/import.h"
#include "personality/imagor_flags.h"
#include "personality/imgproxy.h"
#include "personality/tusd.h"

extern char **environ;

#define HELP_MAX ((size_t)1 << 20)
#define WORDS_WIDTH 36         /* of a command, in the list of all */
#define PASSWORD_LINE_MAX 2048 /* longer than any password: a longer line is refused, never cut */

struct command {
    const char *name;
    unsigned flag; /* ALB_CMD_* */
    const char *words, *summary, *text;
};

static const struct command commands[] = {
    {"serve", ALB_CMD_SERVE, "", "run the photo server",
     "Serves the web page and the programming interfaces on the data folder. Needs no set-up: at the first "
     "start it\n"
     "takes the password of the first user, admin, from ALBUMEN_ADMIN_PASSWORD, or prints a link that asks "
     "for one.\n"
     "SIGTERM ends it in an orderly way, a second one at once; SIGQUIT prints every request in flight and "
     "what "
     "it waits\n"
     "for; SIGHUP does nothing.\n"},
    {"user", ALB_CMD_USER, "add NAME | list | passwd NAME", "manage users",
     "add     makes a user; the password is asked for twice, or read from the first line of standard input\n"
     "list    shows all users\n"
     "passwd  sets a new password and ends the user's sessions\n"
     "Works on the running server, or on the data folder if none runs.\n"},
    {"key", ALB_CMD_KEY, "new --user NAME | list | revoke ID", "manage API keys",
     "new     makes a key and prints it, and nothing else, on standard output; it cannot be shown again\n"
     "list    shows the keys (of --user NAME)\n"
     "revoke  ends a key by the id that list shows\n"
     "Works on the running server, or on the data folder if none runs.\n"},
    {"import", ALB_CMD_IMPORT, "DIR|FILE...", "upload folders of photos to a server",
     "Uploads what the server does not have yet, in parallel, and can be stopped and started again at any "
     "time.\n"
     "Ends with a table of what happened; exit status 0: all is there, 1: something failed, 2: wrong usage,\n"
     "130: interrupted.\n"},
    {"check", ALB_CMD_CHECK, "", "verify everything that is kept",
     "Reads every original and every cached picture, checks them against their checksums, and the catalog "
     "against\n"
     "itself. Names every photo whose original is damaged or missing, with its owner, date and path, and "
     "marks it, "
     "so\n"
     "that the same file is welcome again. Works on the running server, or on the data folder if none runs.\n"
     "Exit status 0: clean, 1: problems, or it could not come to its end (the last line says which), 2: "
     "wrong "
     "usage.\n"},
    {"cache", ALB_CMD_CACHE, "purge url|source|prefix|tag TEXT... | stats",
     "purge and look at cached pictures",
     "purge url     pictures of that URL of the imgproxy or thumbor door (whole, or from its path on)\n"
     "purge source  all pictures of that source, and the copy of it: https://..., local:///..., "
     "asset://UUID\n"
     "purge prefix  the same of all sources that begin so\n"
     "purge tag     pictures that were asked for with that cache tag\n"
     "stats         what lies in the cache of results, and what has become of requests\n"
     "A purge holds at once and for good: what was made before it, or is being made now, is not given to "
     "anybody who\n"
     "comes after it; the files go a moment later. What is purged is made anew when it is asked for.\n"
     "Works on the running server, on the data folder if none runs, or with --cache-dir on the folder that "
     "processes "
     "of\n"
     "`albumen imgproxy` or `albumen imagor` use, while they use it.\n"},
    {"tusd", 0, "[flags of tusd]", "answer as tusd does: resumable uploads into a folder",
     "Takes tusd's place: its flags (-port=1080 -upload-dir=/srv/uploads -hooks-dir=/srv/hooks ...), hooks, "
     "files "
     "and\n"
     "answers. `albumen tusd -help` shows the flags; docs/doors/tusd.md says what differs.\n"},
    {"imgproxy", ALB_CMD_IMGPROXY, ALB_IMGPROXY_WORDS, "answer as imgproxy does: pictures by URL",
     alb_imgproxy_text},
    {"imagor", ALB_CMD_IMAGOR, "[flags of imagor]", "answer as imagor does: pictures by URL",
     alb_imagor_text},
    {"sign", 0, ALB_SIGN_WORDS, "make and explain signed URLs of pictures", alb_sign_text},
    {"version", ALB_CMD_VERSION, "", "print the version", ""},
};

/* ---- help ---- */

static void print_buf(struct alb_buf *b)
{
    struct alb_str v = alb_buf_view(b);
    (void)fwrite(v.p, 1, v.n, stdout);
    alb_buf_fini(b);
}

static int help(void)
{
    printf("albumen " ALB_VERSION
           ": keeps your photographs on your own machine\n\nusage: albumen COMMAND [options]\n\n");
    for (size_t i = 0; i < ALB_ARRAY_LEN(commands); i++) {
        const struct command *c = &commands[i];
        if (strlen(c->words) > WORDS_WIDTH) /* what it does goes on the next line */
            printf("  %-8s %s\n  %-8s %-*s %s\n", c->name, c->words, "", WORDS_WIDTH, "", c->summary);
        else
            printf("  %-8s %-*s %s\n", c->name, WORDS_WIDTH, c->words, c->summary);
    }
    printf("\n`albumen COMMAND --help` shows the options of a command. Every option is also an environment "
           "variable\n"
           "(--log-level is ALBUMEN_LOG_LEVEL) and a line of DATA/albumen.conf (log-level = debug).\n");
    return 0;
}

static int command_help(const struct command *c)
{
    struct alb_buf out = ALB_BUF_INIT(HELP_MAX);
    printf("usage: albumen %s %s%s[options]%s\n%s\n%s\n", c->name, c->flag == ALB_CMD_IMPORT ? "" : c->words,
           c->flag == ALB_CMD_IMPORT || !c->words[0] ? "" : " ",
           c->flag == ALB_CMD_IMPORT ? " DIR|FILE..." : "", c->summary, c->text);
    if (c->flag != 0) /* else its options are another program's */
        alb_options_help(c->flag, ALB_HELP_TEXT, &out);
    if (c->flag == ALB_CMD_IMGPROXY)
        alb_imgproxy_help(false, &out);
    if (c->flag == ALB_CMD_IMAGOR)
        alb_imagor_flags_help(false, &out);
    print_buf(&out);
    return 0;
}

/* Text for the manual page: a dash that is typed must not become a hyphen. */
static void man_text(struct alb_buf *out, struct alb_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '-')
            alb_buf_char(out, '\\');
        alb_buf_char(out, text.p[i]);
    }
}

/* A line "word   what it means" becomes an item of a list, others paragraphs. */
static void man_lines(struct alb_buf *out, struct alb_str text)
{
    bool in_list = false;
    struct alb_str line, word, meaning;
    while (text.n > 0 && alb_str_next(&text, '\n', &line)) {
        size_t gap = alb_str_find_str(line, ALB_STR("  "));
        bool item = gap != ALB_STR_NPOS;
        if (item) {
            word = alb_str_sub(line, 0, gap);
            meaning = alb_str_trim(alb_str_from(line, gap));
            alb_buf_c(out, ".TP\n.B ");
            man_text(out, word);
            alb_buf_char(out, '\n');
            line = meaning;
        } else if (in_list) {
            alb_buf_c(out, ".PP\n");
        }
        in_list = item;
        man_text(out, line);
        alb_buf_char(out, '\n');
    }
}

/* The manual page, from the same tables: albumen help --man > albumen.1 */
static int manual(void)
{
    struct alb_buf out = ALB_BUF_INIT(HELP_MAX);
    alb_buf_printf(&out,
                   ".TH ALBUMEN 1 \"\" \"albumen %s\" \"User Commands\"\n.SH NAME\nalbumen \\- keeps your "
                   "photographs on your own machine\n.SH SYNOPSIS\n.nf\n",
                   ALB_VERSION);
    for (size_t i = 0; i < ALB_ARRAY_LEN(commands); i++) {
        alb_buf_printf(&out, "\\fBalbumen %s\\fR ", commands[i].name);
        man_text(&out, alb_str_c(commands[i].words));
        alb_buf_c(&out, commands[i].words[0] ? " [\\fIoptions\\fR]\n" : "[\\fIoptions\\fR]\n");
    }
    alb_buf_c(&out, ".fi\n");
    for (size_t i = 0; i < ALB_ARRAY_LEN(commands); i++) {
        alb_buf_printf(&out, ".SH ALBUMEN %s\n%s.\n", commands[i].name, commands[i].summary);
        alb_buf_c(&out, commands[i].text[0] ? ".PP\n" : "");
        man_lines(&out, alb_str_c(commands[i].text));
        alb_options_help(commands[i].flag, ALB_HELP_MAN, &out);
        if (commands[i].flag == ALB_CMD_IMGPROXY)
            alb_imgproxy_help(true, &out);
        if (commands[i].flag == ALB_CMD_IMAGOR)
            alb_imagor_flags_help(true, &out);
    }
    alb_buf_c(&out,
              ".SH ENVIRONMENT\nEvery option may be given as ALBUMEN_NAME, with underscores for dashes.\n"
              "The command line wins over the environment, the environment over the file.\n"
              ".SH FILES\n.I DATA/albumen.conf\nholds options, one \"name = value\" on a line.\n");
    print_buf(&out);
    return 0;
}

static int markdown(void)
{
    struct alb_buf out = ALB_BUF_INIT(HELP_MAX);
    alb_buf_c(&out, "# Options\n\nMade by `albumen help --markdown` from `src/tbl/params.h`.\n");
    for (size_t i = 0; i < ALB_ARRAY_LEN(commands); i++) {
        alb_buf_printf(&out, "\n## albumen %s%s%s\n\n%s\n", commands[i].name, commands[i].words[0] ? " " : "",
                       commands[i].words, commands[i].text);
        alb_options_help(commands[i].flag, ALB_HELP_MARKDOWN, &out);
    }
    print_buf(&out);
    return 0;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-help") == 0 || strcmp(word, "-h") == 0 ||
           strcmp(word, "help") == 0;
}

/* ---- running ---- */

/* The place of the word in the list; count if it is none of them. */
static size_t one_of(const char *word, const char *const *list, size_t count)
{
    size_t i = 0;
    while (i < count && strcmp(word, list[i]) != 0)
        i++;
    return i;
}

static enum alb_code setup_log(const struct alb_options *o, struct alb_err *err)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"}; /* as enum alb_log_level */
    static const char *const formats[] = {"auto", "logfmt", "json"};
    static const enum alb_log_format meaning[] = {ALB_LOG_AUTO, ALB_LOG_LOGFMT, ALB_LOG_JSON};
    const char *format = alb_opt_string(o, ALB_P_LOG_FORMAT), *level = alb_opt_string(o, ALB_P_LOG_LEVEL);
    size_t l = one_of(level, levels, ALB_ARRAY_LEN(levels)), f = one_of(format, formats, ALB_ARRAY_LEN(formats));
    if (l == ALB_ARRAY_LEN(levels))
        return alb_fail(err, ALB_E_INVALID, "--log-level %s is not debug, info, warn or error", level);
    if (f == ALB_ARRAY_LEN(formats))
        return alb_fail(err, ALB_E_INVALID, "--log-format %s is not auto, logfmt or json", format);
    alb_log_setup(STDERR_FILENO, meaning[f], (enum alb_log_level)l);
    return ALB_OK;
}

static bool sets_password(char **words)
{
    return words[0] && (strcmp(words[0], "add") == 0 || strcmp(words[0], "passwd") == 0) && words[1] &&
           !words[2];
}

static const struct alb_admin_command admin_commands[] = {
    {"user", ALB_CMD_USER, alb_admin_user, sets_password},
    {"key", ALB_CMD_KEY, alb_admin_key, NULL},
    {"check", ALB_CMD_CHECK, alb_admin_check, NULL},
    {"cache", ALB_CMD_CACHE, alb_admin_cache, NULL},
};

const struct alb_admin_command *alb_admin_find(const char *name)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(admin_commands); i++)
        if (strcmp(name, admin_commands[i].name) == 0)
            return &admin_commands[i];
    return NULL;
}

/* In the server if it runs, else here. */
static int run_admin(const struct alb_admin_command *command, int argc, char **argv,
                     const struct alb_options *options, char **words)
{
    char room[PASSWORD_LINE_MAX];
    int status = 1;
    struct alb_terminal terminal;
    struct alb_admin_call call = {.options = options, .words = words};
    const char *data = alb_opt_string(options, ALB_P_DATA);
    alb_terminal_init(&terminal);
    const char *folder = command->command == ALB_CMD_CACHE ? alb_opt_string(options, ALB_P_CACHE_DIR) : "";
    bool ready = !command->wants_secret || !command->wants_secret(words) ||
                 alb_terminal_password(room, sizeof(room), &call.secret);
    if (ready && folder[0])
        status = alb_cache_folder_run(folder, &call, &terminal.console);
    else if (ready && !alb_control_call(data, command->name, argc, argv, call.secret, &terminal.console, &status))
        status = alb_local_run(data, command, &call, &terminal.console);
    alb_terminal_end(&terminal);
    alb_wipe(room, sizeof(room));
    return status;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (is_help(argv[i]) && (argv[i][0] == '-' || i == 0))
            return true;
    return false;
}

static int run(const struct command *c, int argc, char **argv)
{
    struct alb_options *options = NULL;
    char **words = NULL;
    struct alb_err err = ALB_ERR_INIT;
    int status;
    if (asks_for_help(argc, argv))
        return command_help(c);
    if (alb_options_parse(c->flag, argc, argv, environ, &options, &words, &err) != ALB_OK ||
        setup_log(options, &err) != ALB_OK) {
        fprintf(stderr, "albumen: %s\n(albumen %s --help shows the options)\n", err.msg, c->name);
        alb_options_free(&options);
        return 2;
    }
    (void)umask(077); /* what is kept is nobody else's, also in a folder that others may enter */
    const struct alb_admin_command *admin = alb_admin_find(c->name);
    if (c->flag == ALB_CMD_VERSION) {
        printf("albumen %s\n", ALB_VERSION);
        status = 0;
    } else if (c->flag == ALB_CMD_IMPORT) {
        status = alb_import_main(options, words);
    } else if (admin) {
        status = run_admin(admin, argc, argv, options, words);
    } else if (words[0]) {
        fprintf(stderr, "albumen: %s takes options only, not \"%s\"\n", c->name, words[0]);
        status = 2;
    } else {
        status = alb_serve(options);
    }
    alb_options_free(&options);
    return status;
}

/* Commands that speak the words of other programs: flags, variables, URLs. False: it is none of them. */
static bool run_foreign(int argc, char **argv, int *status)
{
    bool help_wanted = asks_for_help(argc - 2, argv + 2);
    if (strcmp(argv[1], "tusd") == 0)
        *status = alb_tusd(argc - 2, argv + 2, ALB_VERSION);
    else if (strcmp(argv[1], "imgproxy") == 0 && !help_wanted)
        *status = alb_imgproxy(argc - 2, argv + 2, environ);
    else if (strcmp(argv[1], "imagor") == 0 && !help_wanted)
        *status = alb_imagor(argc - 2, argv + 2, environ);
    else if (strcmp(argv[1], "sign") == 0 && !help_wanted)
        *status = alb_sign(argc - 2, argv + 2);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    int status;
    alb_thread_name("main");
    if (argc >= 2 && strcmp(argv[1], "--version") == 0)
        argv[1] = (char *)(uintptr_t)"version";
    if (argc < 2) {
        (void)help();
        return 2;
    }
    if (is_help(argv[1]))
        return argc > 2 && strcmp(argv[2], "--man") == 0        ? manual()
               : argc > 2 && strcmp(argv[2], "--markdown") == 0 ? markdown()
                                                                : help();
    if (run_foreign(argc, argv, &status))
        return status;
    for (size_t i = 0; i < ALB_ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(&commands[i], argc - 2, argv + 2);
    fprintf(stderr, "albumen: there is no command %s (albumen --help)\n", argv[1]);
    return 2;
}
