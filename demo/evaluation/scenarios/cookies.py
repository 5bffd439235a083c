"""Names of the cookies' data and code, for all situations that bake."""

ASSETS_FILE, JOBS_FILE = "defs/assets/cookies.py", "defs/jobs/cookies.py"
PLAIN_COOKIES = ("ingredients", "eggs", "wet_ingredients", "dry_ingredients", "cookie_dough", "cookies")
