"""The sandbox's phone network. Read this provider before you write your own.

`provider` is the wiring, `api` the only I/O; `outbound`, `inbound` and `failures` are pure functions.
"""

from providers.sandbox.provider import SandboxProvider

__all__ = ["SandboxProvider"]
