/* SPDX-License-Identifier: Apache-2.0
 *
 * Every number that /metrics shows, in Prometheus text format: ALB_X(id, kind, name, labels, help).
 * kind: COUNTER (only grows), GAUGE (goes up and down). `labels` is a literal such as "room=\"io\"", or "".
 * Names: albumen_<room>_<what>[_<unit>][_total], units seconds and bytes (Prometheus naming practice).
 */
ALB_X(HTTP_CONNECTIONS, GAUGE, "albumen_http_connections", "", "Open client connections")
ALB_X(HTTP_ACCEPTED, COUNTER, "albumen_http_accepted_total", "", "Connections accepted")
ALB_X(HTTP_REFUSED, COUNTER, "albumen_http_refused_total", "", "Connections refused by a limit")
ALB_X(HTTP_REQUESTS, COUNTER, "albumen_http_requests_total", "", "Requests begun")
ALB_X(HTTP_IN_FLIGHT, GAUGE, "albumen_http_requests_in_flight", "", "Requests not yet answered")
ALB_X(HTTP_ABANDONED, COUNTER, "albumen_http_requests_abandoned_total", "",
      "Requests whose client left, or half-closed, before the answer")
ALB_X(HTTP_BYTES_IN, COUNTER, "albumen_http_received_bytes_total", "", "Bytes received from clients")
ALB_X(HTTP_BYTES_OUT, COUNTER, "albumen_http_sent_bytes_total", "", "Bytes sent to clients")
ALB_X(LOG_DROPPED, COUNTER, "albumen_log_dropped_total", "", "Log records lost because the output was stuck")
ALB_X(BLOB_PUBLISHED, COUNTER, "albumen_blob_published_total", "", "Originals published")
ALB_X(BLOB_DEDUPED, COUNTER, "albumen_blob_duplicates_total", "", "Publications that found an equal original")
ALB_X(BLOB_CORRUPT, COUNTER, "albumen_blob_corrupt_total", "", "Damaged originals found when reading")
ALB_X(BLOB_MARKED, COUNTER, "albumen_blob_marked_total", "",
      "Originals marked as damaged or missing because a reader met it")
ALB_X(BLOB_HEALED, COUNTER, "albumen_blob_healed_total", "", "Damaged originals replaced by a good upload")
ALB_X(BLOB_REMOVED, COUNTER, "albumen_blob_removed_total", "", "Originals removed")
ALB_X(QUARANTINED, COUNTER, "albumen_quarantined_total", "", "Damaged files moved to quarantine")
ALB_X(CACHE_HITS, COUNTER, "albumen_cache_hits_total", "", "Derived files read from the disk caches")
ALB_X(CACHE_MISSES, COUNTER, "albumen_cache_misses_total", "", "Derived files not in the disk caches")
ALB_X(CACHE_CORRUPT, COUNTER, "albumen_cache_corrupt_total", "", "Damaged derived files found when reading")
ALB_X(CACHE_STORED, COUNTER, "albumen_cache_stored_total", "", "Derived files stored")
ALB_X(CACHE_EVICTED, COUNTER, "albumen_cache_evicted_total", "", "Derived files evicted to make room")
ALB_X(CACHE_REFUSED, COUNTER, "albumen_cache_refused_total", "",
      "Derived files not stored: disk full or error")
ALB_X(CACHE_EXPIRED, COUNTER, "albumen_cache_expired_total", "", "Derived files that were too old")
ALB_X(CACHE_FAULTY, GAUGE, "albumen_cache_faults", "",
      "Disk caches that cannot be read or written now (full, read-only or failing disk)")
ALB_X(CACHE_CLAIM_WAITS, COUNTER, "albumen_cache_claim_waits_total", "",
      "Pictures that were waited for because another process was making them")
ALB_X(CACHE_PURGES, COUNTER, "albumen_cache_purges_total", "", "Purges asked for")
ALB_X(CACHE_PURGED, COUNTER, "albumen_cache_purged_files_total", "", "Derived files removed by purges")
ALB_X(CACHE_SCRUBBED, COUNTER, "albumen_cache_scrubbed_bytes_total", "",
      "Bytes of the disk caches read by the background scrub")
ALB_X(CACHE_SCRUBS, COUNTER, "albumen_cache_scrubs_total", "", "Rounds of the background scrub that have ended")
ALB_X(CACHE_BYTES, GAUGE, "albumen_cache_bytes", "", "Bytes in the disk caches")
ALB_X(UPLOADS, GAUGE, "albumen_uploads", "", "Uploads known, finished ones included")
ALB_X(UPLOADS_CREATED, COUNTER, "albumen_uploads_created_total", "", "Uploads created")
ALB_X(UPLOADS_FINISHED, COUNTER, "albumen_uploads_finished_total", "", "Uploads taken by their sink")
ALB_X(UPLOADS_REJECTED, COUNTER, "albumen_uploads_rejected_total", "", "Uploads refused by their sink")
ALB_X(UPLOADS_TERMINATED, COUNTER, "albumen_uploads_terminated_total", "", "Uploads removed by their client")
ALB_X(UPLOADS_EXPIRED, COUNTER, "albumen_uploads_expired_total", "",
      "Uploads removed because their time was over")
ALB_X(UPLOADS_INTERRUPTED, COUNTER, "albumen_uploads_interrupted_total", "",
      "Upload requests stopped by a newcomer")
ALB_X(UPLOAD_BYTES, COUNTER, "albumen_upload_received_bytes_total", "", "Bytes stored by uploads")
ALB_X(RENDER_HOT_HITS, COUNTER, "albumen_render_hits_total", "cache=\"memory\"",
      "Pictures answered from a cache")
ALB_X(RENDER_DISK_HITS, COUNTER, "albumen_render_hits_total", "cache=\"disk\"",
      "Pictures answered from a cache")
ALB_X(RENDER_MISSES, COUNTER, "albumen_render_misses_total", "", "Pictures that had to be made")
ALB_X(RENDER_JOINED, COUNTER, "albumen_render_joined_total", "", "Requests that shared a picture being made")
ALB_X(RENDER_FAILED, COUNTER, "albumen_render_failed_total", "", "Renders that ended without a picture")
ALB_X(RENDER_REMEMBERED, COUNTER, "albumen_render_remembered_failures_total", "",
      "Renders that were not tried because the same one had just failed")
ALB_X(LEVELS, COUNTER, "albumen_levels_made_total", "",
      "Levels of the pyramid that had to be made")
ALB_X(AHEAD, GAUGE, "albumen_pictures_ahead", "",
      "Large photos shown just now whose other sizes are being made")
ALB_X(LEVEL_USES, COUNTER, "albumen_levels_used_total", "", "Pictures made of a level instead of the original")
ALB_X(SOURCE_HOT_HITS, COUNTER, "albumen_source_hits_total", "cache=\"memory\"",
      "Sources of pictures answered from a fresh copy")
ALB_X(SOURCE_DISK_HITS, COUNTER, "albumen_source_hits_total", "cache=\"disk\"",
      "Sources of pictures answered from a fresh copy")
ALB_X(SOURCE_REVALIDATED, COUNTER, "albumen_source_revalidated_total", "",
      "Sources whose copy the origin said to be still right")
ALB_X(SOURCE_FETCHED, COUNTER, "albumen_source_fetched_total", "", "Sources fetched from their origin")
ALB_X(SOURCE_LOCAL, COUNTER, "albumen_source_local_total", "", "Sources opened beneath the local root")
ALB_X(SOURCE_JOINED, COUNTER, "albumen_source_joined_total", "",
      "Requests that shared a source being fetched")
ALB_X(SOURCE_FAILED, COUNTER, "albumen_source_failed_total", "", "Sources that could not be had")
ALB_X(SOURCE_BYTES, COUNTER, "albumen_source_received_bytes_total", "", "Bytes received from origins")
ALB_X(SHELF_HITS, COUNTER, "albumen_stored_files_total", "result=\"hit\"",
      "Files asked of loaders and storages, and put into these, by what became of them")
ALB_X(SHELF_MISSES, COUNTER, "albumen_stored_files_total", "result=\"miss\"",
      "Files asked of loaders and storages, and put into these, by what became of them")
ALB_X(SHELF_UNSOUND, COUNTER, "albumen_stored_files_total", "result=\"unsound\"",
      "Files asked of loaders and storages, and put into these, by what became of them")
ALB_X(SHELF_PUT, COUNTER, "albumen_stored_files_total", "result=\"put\"",
      "Files asked of loaders and storages, and put into these, by what became of them")
ALB_X(SHELF_FAILED, COUNTER, "albumen_stored_files_total", "result=\"not_put\"",
      "Files asked of loaders and storages, and put into these, by what became of them")
ALB_X(INGEST_CREATED, COUNTER, "albumen_ingest_total", "result=\"created\"",
      "Uploads that were taken, by what became of them")
ALB_X(INGEST_DUPLICATE, COUNTER, "albumen_ingest_total", "result=\"duplicate\"",
      "Uploads that were taken, by what became of them")
ALB_X(INGEST_REFUSED, COUNTER, "albumen_ingest_refused_total", "",
      "Uploads that were refused or could not be taken")
ALB_X(SIGN_IN_GOOD, COUNTER, "albumen_sign_ins_total", "result=\"good\"", "Sign-ins, by what became of them")
ALB_X(SIGN_IN_WRONG, COUNTER, "albumen_sign_ins_total", "result=\"wrong\"", "Sign-ins, by what became of them")
ALB_X(SIGN_IN_TOO_SOON, COUNTER, "albumen_sign_ins_total", "result=\"too_soon\"",
      "Sign-ins, by what became of them")
ALB_X(CATALOG_QUEUED, GAUGE, "albumen_catalog_queued_units", "", "Writes waiting for the catalog's writer")
ALB_X(CATALOG_COMMITS, COUNTER, "albumen_catalog_commits_total", "", "Group commits")
ALB_X(CATALOG_UNITS, COUNTER, "albumen_catalog_units_total", "", "Writes committed")
ALB_X(CATALOG_UNITS_FAILED, COUNTER, "albumen_catalog_units_failed_total", "", "Writes refused or undone")
ALB_X(CATALOG_GROUPS_FAILED, COUNTER, "albumen_catalog_groups_failed_total", "",
      "Group commits that failed as a whole")
ALB_X(CATALOG_READS, COUNTER, "albumen_catalog_reads_total", "", "Snapshots opened to read")
ALB_X(CATALOG_CHECKPOINTS, COUNTER, "albumen_catalog_checkpoints_total", "",
      "Checkpoints of the write-ahead log")
ALB_X(DARKROOM_QUEUED, GAUGE, "albumen_darkroom_queued_jobs", "", "Jobs waiting for a worker of the darkroom")
ALB_X(DARKROOM_BUSY, GAUGE, "albumen_darkroom_busy_workers", "", "Workers with a job")
ALB_X(DARKROOM_JOBS, COUNTER, "albumen_darkroom_jobs_total", "", "Jobs ended")
ALB_X(DARKROOM_FAILED, COUNTER, "albumen_darkroom_jobs_failed_total", "", "Jobs ended without a result")
ALB_X(DARKROOM_GENERAL, COUNTER, "albumen_darkroom_renders_total", "executor=\"general\"",
      "Pictures rendered, by who did it")
ALB_X(DARKROOM_EXPRESS, COUNTER, "albumen_darkroom_renders_total", "executor=\"express\"",
      "Pictures rendered, by who did it")
ALB_X(DARKROOM_FALLBACK, COUNTER, "albumen_darkroom_renders_total", "executor=\"fallback\"",
      "Pictures rendered, by who did it")
ALB_X(DARKROOM_STARTED, COUNTER, "albumen_darkroom_workers_started_total", "", "Worker processes started")
ALB_X(DARKROOM_START_FAILED, COUNTER, "albumen_darkroom_workers_not_started_total", "",
      "Worker processes that did not get ready")
ALB_X(DARKROOM_RECYCLED, COUNTER, "albumen_darkroom_workers_recycled_total", "",
      "Workers replaced after their share of jobs")
ALB_X(DARKROOM_CRASH, COUNTER, "albumen_darkroom_ended_total", "why=\"crash\"",
      "Jobs that ended a worker, by reason")
ALB_X(DARKROOM_OOM, COUNTER, "albumen_darkroom_ended_total", "why=\"memory\"",
      "Jobs that ended a worker, by reason")
ALB_X(DARKROOM_CPU, COUNTER, "albumen_darkroom_ended_total", "why=\"cpu\"",
      "Jobs that ended a worker, by reason")
ALB_X(DARKROOM_FSIZE, COUNTER, "albumen_darkroom_ended_total", "why=\"size\"",
      "Jobs that ended a worker, by reason")
ALB_X(DARKROOM_SIGSYS, COUNTER, "albumen_darkroom_ended_total", "why=\"syscall\"",
      "Jobs that ended a worker, by reason")
ALB_X(DARKROOM_TIMEOUT, COUNTER, "albumen_darkroom_ended_total", "why=\"deadline\"",
      "Jobs that ended a worker, by reason")
ALB_X(DARKROOM_ZYGOTES_LOST, COUNTER, "albumen_darkroom_zygotes_lost_total", "",
      "Times the zygote had to be started again")
