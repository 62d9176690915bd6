/* SPDX-License-Identifier: Apache-2.0
 *
 * Every way an operation can fail: ALB_X(name, HTTP status, log level, text for the client).
 * The list is closed: a new kind of failure is a new line here. HTTP status as in RFC 9110 and RFC 4918
 * (507); 499 is never sent (the client has gone), it only appears in the log.
 */
ALB_X(INVALID, 400, INFO, "the request is not valid")
ALB_X(UNAUTHENTICATED, 401, INFO, "sign in, or send a valid key")
ALB_X(FORBIDDEN, 403, INFO, "not allowed")
ALB_X(NOT_FOUND, 404, INFO, "not found")
ALB_X(CONFLICT, 409, INFO, "the state on the server is different")
ALB_X(GONE, 410, INFO, "no longer there")
ALB_X(PRECONDITION, 412, INFO, "a precondition does not hold")
ALB_X(TOO_LARGE, 413, INFO, "larger than the limit")
ALB_X(UNSUPPORTED, 415, INFO, "this media type is not supported here")
ALB_X(UNPROCESSABLE, 422, INFO, "the content cannot be processed")
ALB_X(TOO_MANY, 429, WARN, "too many requests")
ALB_X(CANCELLED, 499, INFO, "nobody waits for this any more")
ALB_X(INTERNAL, 500, ERROR, "the server made a mistake")
ALB_X(IO, 500, ERROR, "the storage of the server failed")
ALB_X(CORRUPT, 500, ERROR, "stored bytes are damaged")
ALB_X(BUSY, 503, WARN, "the server is busy, try again soon")
ALB_X(NO_MEMORY, 503, ERROR, "the server is out of memory, try again soon")
ALB_X(TIMEOUT, 504, WARN, "this took too long")
ALB_X(NO_SPACE, 507, ERROR, "the disk of the server is full")
