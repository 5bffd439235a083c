"""Other orchestrators with the same work, to compare with."""
