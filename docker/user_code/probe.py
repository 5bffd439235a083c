"""Health of the code server: has it loaded the code location?

`dagster api grpc-health-check` is content where it has not, and costs a second of CPU. This asks for the repositories, in
Dagster's own gRPC service, without importing Dagster.
"""

import os
import sys

import grpc

with grpc.insecure_channel(f"{os.environ.get('LISTEN_ON', '127.0.0.1')}:4000") as channel:
    reply: bytes = channel.unary_unary("/api.DagsterApi/ListRepositories")(b"", timeout=4)
if b'"ListRepositoriesResponse"' not in reply:
    sys.exit(f"the code location does not load: {reply[:2000].decode(errors='replace')}")
