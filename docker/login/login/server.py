"""`GET /check`: 200 with name and role, 401 for who is not known, 429 for who guesses."""

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

# Wrong passwords a minute: from one address, for one name or for any; and for one name from wherever.
PER_ADDRESS = RateLimitItemPerMinute(10)
PER_NAME = RateLimitItemPerMinute(20)
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Dagster", charset="UTF-8"'}
logger = logging.getLogger("login")


def credentials(header: str) -> tuple[str, str] | None:
    """Name and password of an Authorization header, if it holds any."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, rest = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, rest) if colon else None


class Login:
    """Answers the edge."""

    def __init__(self, users: Path) -> None:
        """Reads names from the file `users`, whenever it changes."""
        self._passwords = Passwords(users)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        # One password at a time: guesses sent together would all be tried before the first of them counts.
        self._turn = asyncio.Lock()
        self._waiting: Counter[tuple[str, str]] = Counter()

    async def check(self, request: web.Request) -> web.Response:
        """One request of somebody behind the edge, which names their address."""
        given = credentials(request.headers.get("Authorization", ""))
        if given is None:
            return web.Response(status=401, text="Log in to use Dagster.\n", headers=CHALLENGE)
        try:
            return await self._answer(request, *given)
        except UserError as error:
            logger.error("nobody can log in: %s", error)  # noqa: TRY400 - the sentence is all there is to say
            return web.Response(status=503, text="Nobody can log in now: see the log of the service 'login'.\n")

    async def _answer(self, request: web.Request, name: str, password: str) -> web.Response:
        # The last one is that which the edge has seen.
        address = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
        # While a password for this name is tried from there, all others wait: they may be guesses too.
        if not self._waiting[name, address] and (user := self._known(name, password, address)):
            return self._passed(user)
        self._waiting[name, address] += 1
        try:
            async with self._turn:
                return await self._in_turn(name, password, address)
        finally:
            self._waiting -= Counter([(name, address)])

    async def _in_turn(self, name: str, password: str, address: str) -> web.Response:
        # The other requests of a page that has just logged in waited here.
        if user := self._known(name, password, address):
            return self._passed(user)
        if not self._may_try(address, name):
            # It has been compared with the password of whoever is in there: it counts.
            self._limiter.hit(PER_ADDRESS, address, name)
            return web.Response(status=429, text="Too many wrong passwords: wait a minute.\n", headers={"Retry-After": "60"})
        user = await asyncio.to_thread(self._passwords.user, name, password, address)
        return self._passed(user) if user else self._failed(address, name)

    def _known(self, name: str, password: str, address: str) -> User | None:
        """Who is in already waits for nobody, and is not locked out by guesses from elsewhere or at other names.

        Guesses at this name from this address do lock out: what is compared with costs nothing, and would tell who is right.
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
    """The application."""

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="OK")

    app = web.Application(client_max_size=1024)
    app.add_routes([web.get("/check", Login(users).check), web.get("/ready", ready)])
    return app
