"""What edge counts. Labels are route templates and words from closed lists: never anything a caller chose."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# from a reply of a busy core to the longest wait for an outcome
_LATENCY_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 35)
_BATCH_ITEMS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Metrics:
    """The counters of one edge, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answered: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "anychannel_edge_requests",
            "Requests answered, by route and status; 499 means that the caller went away.",
            ["route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "anychannel_edge_request_seconds",
            "Time from a request's headers to the end of its answer.",
            ["route"],
            buckets=_LATENCY_SECONDS,
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "anychannel_edge_in_flight", "Requests being worked on.", ["kind"], registry=self._registry
        )
        self._buffered = Gauge(
            "anychannel_edge_buffered_bytes", "Bytes of bodies held.", ["kind"], registry=self._registry
        )
        self._batches = Histogram(
            "anychannel_edge_batch_items",
            "Items in a call to core.",
            ["call"],
            buckets=_BATCH_ITEMS,
            registry=self._registry,
        )
        self._core_failures = Counter(
            "anychannel_edge_core_failures", "Calls to core that broke.", ["call", "code"], registry=self._registry
        )
        self._unconfirmed = Counter(
            "anychannel_edge_unconfirmed", "Replies whose confirmation core did not take.", registry=self._registry
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        # finding a labelled counter costs four times what counting does
        kept = self._answered.get((route, status))
        if kept is None:
            kept = (self._requests.labels(route, str(status)), self._seconds.labels(route))
            self._answered[route, status] = kept
        requests, latency = kept
        requests.inc()
        latency.observe(seconds)

    def watch(self, kind: str, *, requests: Callable[[], int], body_bytes: Callable[[], int]) -> None:
        """Show, whenever asked, how many requests of that kind are being worked on, with how many bytes of bodies."""
        self._in_flight.labels(kind).set_function(requests)
        self._buffered.labels(kind).set_function(body_bytes)

    def called(self, call: str, items: int) -> None:
        """Core was called with so many items."""
        self._batches.labels(call).observe(items)

    def core_failed(self, call: str, code: str) -> None:
        """A call to core broke."""
        self._core_failures.labels(call, code).inc()

    def unconfirmed(self) -> None:
        """A reply could not be confirmed."""
        self._unconfirmed.inc()

    def exposition(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)
