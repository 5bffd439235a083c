"""Code locations are deployed, broken, added and removed. These tests share a copy, and one lane runs them."""
