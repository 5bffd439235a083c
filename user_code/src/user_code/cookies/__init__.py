"""The lesson's cookies: ingredients to dough to cookies, with and without peanuts. Plain Python; both styles call it."""
