"""Inbox formats: how each kind of inbox writes what the agents send and reads what it is told. Pure: bytes and records.

A second kind of inbox is a second module beside `respondio`, with the same functions under the same names:

* reading a send: `decode`, `inbox_channel_id`, `read_send`, and the answers to it, `accepted_body` and `error_body`;
* telling an event: `count_envelopes`, `message_envelopes`, `echo_envelopes`, `status_envelope`, `encode`;
* understanding the inbox's answer: `read_answer`.

What they take and return belongs to no kind: `binding` (what a channel stores of its inbox), `sends` (a send as read,
and why one is refused), `answers` (what an inbox's answer means), `strict_json`, `web_links`. Whether the caller is the
inbox (a bearer token here, a signature elsewhere) and every attempt, retry and pace are core's.
"""
