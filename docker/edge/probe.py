"""Health of the edge: does it speak TLS for its domain, and send users without a session to the login?

It hangs only if it does not answer: a certificate or a login that is missing is a fault elsewhere.
"""

import os
import socket
import ssl
import sys

# The edge's users check its certificate's CA; this probe does not.
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
domain = os.environ["EDGE_DOMAIN"]

try:
    with (
        socket.create_connection(("127.0.0.1", 443), timeout=15) as connection,
        context.wrap_socket(connection, server_hostname=domain) as tls,
    ):
        tls.settimeout(10)
        tls.sendall(f"HEAD / HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\n\r\n".encode())
        try:
            status = tls.recv(12)
        except TimeoutError:
            # A login that does not answer makes the edge wait for it: a fault elsewhere.
            print("the edge speaks TLS, and answers nothing: the login may hang")
            sys.exit(os.EX_TEMPFAIL)
except TimeoutError:
    # The kernel takes connections for a process that hangs.
    sys.exit("the edge does not speak TLS")
except ssl.SSLError as error:
    print(f"the edge has no certificate for {domain} yet, its log says why: {error}")
    sys.exit(os.EX_TEMPFAIL)
# With LOGIN=oidc, the edge redirects a page request to the provider, but this is no page request.
if status != b"HTTP/1.1 401":
    print(f"the edge answers {status.decode()} to who has not logged in")
    sys.exit(os.EX_TEMPFAIL)
