/* SPDX-License-Identifier: Apache-2.0
 *
 * The questions that the importer asks a server, in the public API's own words. struct alb_server is what all
 * threads share; a struct alb_api is one thread's way to it. Calls here try again by themselves
 * (fetch/patience.h) and end early with CANCELLED when the run is stopped. Codes: UNAUTHENTICATED and
 * FORBIDDEN = the key; BUSY and TIMEOUT = no answer for long enough; INVALID = this is no albumen server, or
 * it says nonsense.
 */
#ifndef ALB_IMPORT_API_H
#define ALB_IMPORT_API_H

#include "fetch/patience.h"
#include "import/item.h"
#include "import/select.h"
#include "import/stop.h"

struct alb_server {
    /* fixed after init */
    struct alb_client *client;
    struct alb_stop *stop;
    const struct alb_clock *clock;
    int64_t retry_ns;
    struct alb_str base; /* borrowed */
    struct alb_outage outage;
};
struct alb_server_config {
    struct alb_str base, key; /* borrowed; base until fini */
    struct alb_stop *stop;
    int64_t retry_ns, stall_ns;
};
enum alb_code alb_server_init(struct alb_server *s, const struct alb_server_config *config,
                              struct alb_err *err) ALB_MUST_CHECK;
void alb_server_fini(struct alb_server *s); /* after all its alb_api */

struct alb_api {
    struct alb_server *server;
    struct alb_client_conn *conn;
    struct alb_client_answer answer; /* of the last call */
};
enum alb_code alb_api_init(struct alb_api *a, struct alb_server *server, struct alb_err *err) ALB_MUST_CHECK;
void alb_api_fini(struct alb_api *a);

/* Is it there, is the key good, what files does it take? Fills types; *who gets the user's name. Waits for a
 * server that is just starting for some seconds only. */
enum alb_code alb_api_hello(struct alb_api *a, struct alb_extension_set *types, struct alb_buf *who,
                            struct alb_err *err) ALB_MUST_CHECK;

enum alb_has { ALB_HAS_NOT, ALB_HAS_IT, ALB_HAS_IN_TRASH, ALB_HAS_NO_USE };
/* Which of these contents (by SHA-1) it has. n <= ALB_IMPORT_CHECK_BATCH. */
enum alb_code alb_api_check(struct alb_api *a, struct alb_item *const *items, size_t n, enum alb_has *out,
                            struct alb_err *err) ALB_MUST_CHECK;

/* What an answer of 400 and above says, in a line: "422: the content cannot be processed". */
void alb_api_refusal(const struct alb_client_answer *a, struct alb_buf *out);
/* The code that stands for the status of such an answer. */
enum alb_code alb_api_code(int status);

#endif
