/* SPDX-License-Identifier: Apache-2.0
 *
 * See router.h. A node stands for a segment; its children are the literals (a list, most used first is not
 * needed: doors have few per level), one for {name}, and the leaf for {name*}.
 */
#include "http/router.h"

#include <string.h>

#include "base/mem.h"

struct leaf {
    struct alb_route_entry by_method[ALB_ROUTE_METHODS];
    unsigned allow;
};

struct node {
    struct alb_str segment; /* of a literal */
    struct node *next;      /* sibling */
    struct node *literals, *param;
    struct leaf here; /* the path ends here */
    struct leaf rest; /* {name*} begins here */
};

struct alb_router {
    struct node root;
};

struct alb_router *alb_router_new(void)
{
    return alb_mem_calloc(1, sizeof(struct alb_router));
}

/* Depth is that of our own patterns. */
static void free_below(struct node *n)
{
    struct node *child = n->literals;

    while (child) {
        struct node *next = child->next;

        free_below(child);
        alb_mem_free(child);
        child = next;
    }
    if (n->param) {
        free_below(n->param);
        alb_mem_free(n->param);
    }
}

void alb_router_free(struct alb_router **r)
{
    if (!*r)
        return;
    free_below(&(*r)->root);
    alb_mem_free(*r);
    *r = NULL;
}

static bool is_param(struct alb_str seg)
{
    return seg.n >= 2 && seg.p[0] == '{' && seg.p[seg.n - 1] == '}';
}
static bool is_rest(struct alb_str seg)
{
    return is_param(seg) && seg.p[seg.n - 2] == '*';
}

static struct node *find_literal(const struct node *n, struct alb_str seg)
{
    struct node *child = n->literals;

    while (child && !alb_str_eq(child->segment, seg))
        child = child->next;
    return child;
}

static struct node *child_for(struct node *n, struct alb_str seg)
{
    struct node *child = is_param(seg) ? n->param : find_literal(n, seg);

    if (child)
        return child;
    child = alb_mem_calloc(1, sizeof(*child));
    if (!child)
        return NULL;
    child->segment = seg;
    if (is_param(seg)) {
        n->param = child;
    } else {
        child->next = n->literals;
        n->literals = child;
    }
    return child;
}

static enum alb_code put(struct leaf *leaf, const struct alb_route *route, const struct alb_http_group *group,
                         struct alb_err *err)
{
    if (leaf->allow & route->methods)
        return alb_fail(err, ALB_E_CONFLICT, "route %s: a method is taken already", route->pattern);
    leaf->allow |= route->methods;
    for (unsigned i = 0; i < ALB_ROUTE_METHODS; i++)
        if (route->methods & 1u << i)
            leaf->by_method[i] = (struct alb_route_entry){route, group};
    return ALB_OK;
}

enum alb_code alb_router_add(struct alb_router *r, const struct alb_route *route,
                             const struct alb_http_group *group, struct alb_err *err)
{
    struct alb_str rest = alb_str_c(route->pattern), seg;
    struct node *n = &r->root;
    unsigned params = 0;

    if (rest.n == 0 || rest.p[0] != '/' || (route->methods & ~(unsigned)ALB_M_ALL) || !route->methods)
        return alb_fail(err, ALB_E_INVALID, "route %s: bad pattern or methods", route->pattern);
    rest = alb_str_from(rest, 1);
    while (alb_str_next(&rest, '/', &seg)) {
        if (is_param(seg) && ++params > ALB_ROUTE_PARAMS_MAX)
            return alb_fail(err, ALB_E_INVALID, "route %s: too many parameters", route->pattern);
        if (is_rest(seg)) {
            if (rest.p)
                return alb_fail(err, ALB_E_INVALID, "route %s: {x*} must be last", route->pattern);
            return put(&n->rest, route, group, err);
        }
        if (!is_param(seg) && (memchr(seg.p, '{', seg.n) || memchr(seg.p, '}', seg.n)))
            return alb_fail(err, ALB_E_INVALID, "route %s: a parameter is a whole segment", route->pattern);
        n = child_for(n, seg);
        if (!n)
            return alb_fail(err, ALB_E_NO_MEMORY, "route %s", route->pattern);
    }
    return put(&n->here, route, group, err);
}

/* Takes what the leaf offers for the method; true: the search is over. A leaf without the method is
 * remembered for Allow, and the search goes on. */
static bool take(const struct leaf *leaf, unsigned bit, struct alb_route_match *m)
{
    m->allow |= leaf->allow;
    for (unsigned i = 0; i < ALB_ROUTE_METHODS; i++)
        if (bit == 1u << i && leaf->by_method[i].route) {
            m->entry = &leaf->by_method[i];
            return true;
        }
    return false;
}

/* rest: the path behind the slash that leads to this level; p == NULL: the path ends at n. */
static bool search(const struct node *n, struct alb_str rest, unsigned bit, struct alb_route_match *m)
{
    struct alb_str after = rest, seg;
    unsigned params = m->param_count;
    const struct node *child;

    if (!rest.p)
        return take(&n->here, bit, m);
    (void)alb_str_next(&after, '/', &seg);
    child = find_literal(n, seg);
    if (child && search(child, after, bit, m))
        return true;
    if (n->param && seg.n > 0) {
        m->params[m->param_count++] = seg;
        if (search(n->param, after, bit, m))
            return true;
        m->param_count = params;
    }
    if (n->rest.allow) {
        m->params[m->param_count++] = rest;
        if (take(&n->rest, bit, m))
            return true;
        m->param_count = params;
    }
    return false;
}

void alb_router_find(const struct alb_router *r, struct alb_str path, unsigned method_bit,
                     struct alb_route_match *m)
{
    m->entry = NULL;
    m->allow = 0;
    m->param_count = 0;
    if (path.n == 0 || path.p[0] != '/')
        return;
    if (search(&r->root, alb_str_from(path, 1), method_bit, m))
        return;
    /* GET brings HEAD with it; a HEAD route of its own was found above. */
    if (method_bit == ALB_M_HEAD) {
        m->param_count = 0;
        (void)search(&r->root, alb_str_from(path, 1), ALB_M_GET, m);
    }
}

int alb_route_param_index(const char *pattern, struct alb_str name)
{
    struct alb_str rest = alb_str_c(pattern), seg;
    int i = 0;

    while (alb_str_next(&rest, '/', &seg)) {
        if (!is_param(seg))
            continue;
        seg = alb_str_sub(seg, 1, seg.n - (is_rest(seg) ? 3u : 2u));
        if (alb_str_eq(seg, name))
            return i;
        i++;
    }
    return -1;
}
