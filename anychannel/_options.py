"""How gRPC connections are kept: one set of options for every server and client of ours, because keepalive must agree.

A client pings every 30 s; a server allows a ping every 10 s, also without calls. A server that allowed less would end
the connection with too_many_pings.
"""

import json
from typing import Any

Options = list[tuple[str, Any]]

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A batch of 100 webhooks of the usual 100 KiB is 10 MiB; gRPC's own limit of 4 MiB would refuse it."""
MAX_STREAMS_PER_CONNECTION = 10_000
"""One for each channel that listens, beside a few batches."""

_KEEPALIVE_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000
_MIN_PING_INTERVAL_MS = 10_000
# Without an age a connection lives as long as its ends, and a new replica never gets traffic.
_MAX_CONNECTION_AGE_MS = 300_000
_MAX_CONNECTION_AGE_GRACE_MS = 30_000
# How soon a client may resolve the name again, and so find a new replica.
_MIN_RESOLUTION_INTERVAL_MS = 5_000
# gRPC's own distance grows to two minutes: far too long to notice that the other side is back. Until it is noticed, edge answers 503.
_INITIAL_RECONNECT_MS = 200
_MAX_RECONNECT_MS = 1_000


def server_options() -> Options:
    """Options of every server. A port that is taken is an error, never shared silently."""
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_concurrent_streams", MAX_STREAMS_PER_CONNECTION),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _MIN_PING_INTERVAL_MS),
        ("grpc.max_connection_age_ms", _MAX_CONNECTION_AGE_MS),
        ("grpc.max_connection_age_grace_ms", _MAX_CONNECTION_AGE_GRACE_MS),
        ("grpc.so_reuseport", 0),
    ]


def client_options(*, health_service: str = "") -> Options:
    """Options of every client: round robin over all addresses that the name resolves to (use `dns:///host:port`).

    Args:
        health_service: leave out replicas that do not serve this service by their health check; empty = ask none.
    """
    service_config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if health_service:
        service_config["healthCheckConfig"] = {"serviceName": health_service}
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.dns_min_time_between_resolutions_ms", _MIN_RESOLUTION_INTERVAL_MS),
        ("grpc.initial_reconnect_backoff_ms", _INITIAL_RECONNECT_MS),
        ("grpc.min_reconnect_backoff_ms", _INITIAL_RECONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", _MAX_RECONNECT_MS),
        ("grpc.service_config", json.dumps(service_config)),
    ]
