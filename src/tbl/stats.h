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
ALB_X(HTTP_BYTES_IN, COUNTER, "albumen_http_received_bytes_total", "", "Bytes received from clients")
ALB_X(HTTP_BYTES_OUT, COUNTER, "albumen_http_sent_bytes_total", "", "Bytes sent to clients")
ALB_X(LOG_DROPPED, COUNTER, "albumen_log_dropped_total", "", "Log records lost because the output was stuck")
