/* SPDX-License-Identifier: Apache-2.0
 *
 * Every lock class: ALB_X(name, rank, what it protects). A thread may take a lock only if its rank is higher
 * than that of every lock it holds; equal ranks never nest. Debug and sanitizer builds panic otherwise.
 * docs/LOCKS.md is made from this table. Leave gaps; order = from the outside (doors) to the inside (base).
 */
ALB_X(TEST_OUTER, 1, "tests: outer lock")
ALB_X(TEST_INNER, 2, "tests: inner lock")
ALB_X(IMPORT_QUEUE, 50, "import: one queue of the pipeline")
ALB_X(IMPORT_TWINS, 52, "import: files in work by checksum")
ALB_X(IMPORT_TALLY, 54, "import: what has happened so far")
ALB_X(UPLOAD_TABLE, 100, "upload: table of uploads, each one's holder and queue")
ALB_X(JOBS, 150, "jobs: the sleep of runners and janitor")
ALB_X(RENDER, 200, "render: job list")
ALB_X(RESULT_CACHE, 210, "blob: index of a cache of derived files")
ALB_X(HOT_CACHE, 220, "render: shards of the hot cache")
ALB_X(DARKROOM, 300, "image: worker table and job queue")
ALB_X(DARKROOM_RUN, 305, "image: somebody who waits for one job")
ALB_X(CATALOG_QUEUE, 400, "catalog: queue of write units")
ALB_X(CATALOG_READERS, 410, "catalog: free read connections")
ALB_X(LIBRARY_MEMO, 420, "library: memo of rights answers")
ALB_X(BLOB_HASH, 500, "blob: one stripe of originals, held over publish and unlink (file calls allowed)")
ALB_X(HTTP_SERVER, 600, "http: list of loops and connections for drain and dumps")
ALB_X(HTTP_NUDGE, 605, "http: whom a nudge is for; around HTTP_REQUEST")
ALB_X(HTTP_REQUEST, 610, "http: hand-over state of one request")
ALB_X(HTTP_BODY, 620, "http: ring of one request or response body")
ALB_X(FLIGHT, 700, "base: shard of a single-flight table")
ALB_X(LEASE, 710, "base: a lease pool's slots and queue")
ALB_X(FUTURE, 720, "base: one future's state and waiters")
ALB_X(TIMERS, 730, "base: heap of timers")
ALB_X(POOL, 740, "base: queue of a worker pool")
ALB_X(AWAIT, 745, "base: a thread that blocks until a future is done")
ALB_X(HTTP_WAKE, 750, "http: mailbox of a loop; counts by address and user")
ALB_X(LOG, 900, "base: output of the log and its ring of last records")
