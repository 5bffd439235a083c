"""`GET /check`: 200 with name and role, 401 for failed authentication, 429 for too many wrong passwords."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import Counter
from pathlib import Path

from aiohttp import web
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from login.users import Passwords, User, UserError

# Wrong passwords a minute. The first limit is for one address, with one name or with any. The second is for one name, from any
# address.
PER_ADDRESS = RateLimitItemPerMinute(10)
PER_NAME = RateLimitItemPerMinute(20)
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Dagster", charset="UTF-8"'}
logger = logging.getLogger("login")


def credentials(header: str) -> tuple[str, str] | None:
    """Name and password of an Authorization header, or None."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, rest = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, rest) if colon else None


class Login:
    """Answers the edge's requests."""

    def __init__(self, users: Path) -> None:
        """Reads names from the file `users`, again after each change."""
        self._passwords = Passwords(users)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        # One password at a time: otherwise many guesses would all be tried before the first one counts.
        self._turn = asyncio.Lock()
        self._waiting: Counter[tuple[str, str]] = Counter()

    async def check(self, request: web.Request) -> web.Response:
        """Answers for one request to the edge, which names the client's address."""
        given = credentials(request.headers.get("Authorization", ""))
        if given is None:
            return web.Response(status=401, text="Log in to use Dagster.\n", headers=CHALLENGE)
        try:
            return await self._answer(request, *given)
        except UserError as error:
            logger.error("nobody can log in: %s", error)  # noqa: TRY400 - the sentence is all there is to say
            return web.Response(status=503, text="Nobody can log in now: see the log of the service 'login'.\n")

    async def _answer(self, request: web.Request, name: str, password: str) -> web.Response:
        # The edge itself adds the last address.
        address = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
        # While a password for this name and address is tried, all others from there wait: they may be guesses too.
        if not self._waiting[name, address] and (user := self._known(name, password, address)):
            return self._passed(user)
        self._waiting[name, address] += 1
        try:
            async with self._turn:
                return await self._in_turn(name, password, address)
        finally:
            self._waiting -= Counter([(name, address)])

    async def _in_turn(self, name: str, password: str, address: str) -> web.Response:
        # Other requests of the same page waited here during its login.
        if user := self._known(name, password, address):
            return self._passed(user)
        if not self._may_try(address, name):
            # The password was compared with that of a logged-in user: it counts.
            self._limiter.hit(PER_ADDRESS, address, name)
            return web.Response(status=429, text="Too many wrong passwords: wait a minute.\n", headers={"Retry-After": "60"})
        user = await asyncio.to_thread(self._passwords.user, name, password, address)
        return self._passed(user) if user else self._failed(address, name)

    def _known(self, name: str, password: str, address: str) -> User | None:
        """A logged-in user waits for nobody. Guesses from other addresses or at other names do not lock the user out.

        Guesses at this name from this address do: comparing costs nothing here, and would reveal the right password.
        """
        return self._passwords.known(name, password, address) if self._limiter.test(PER_ADDRESS, address, name) else None

    def _may_try(self, address: str, name: str) -> bool:
        return self._limiter.test(PER_ADDRESS, address) and self._limiter.test(PER_NAME, name)

    def _failed(self, address: str, name: str) -> web.Response:
        self._limiter.hit(PER_ADDRESS, address)
        self._limiter.hit(PER_ADDRESS, address, name)
        self._limiter.hit(PER_NAME, name)
        logger.warning("wrong name or password from %r for %.64r", address, name)
        return web.Response(status=401, text="Wrong name or password.\n", headers=CHALLENGE)

    @staticmethod
    def _passed(user: User) -> web.Response:
        return web.Response(headers={"Dagster-User": user.name, "Dagster-Role": user.role})


def build_app(users: Path) -> web.Application:
    """The web application."""

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="OK")

    app = web.Application(client_max_size=1024)
    app.add_routes([web.get("/check", Login(users).check), web.get("/ready", ready)])
    return app
