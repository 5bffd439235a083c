"""Users of the source system: fetched, flattened, summarised. Plain Python and pandas; both styles call it."""
