"""The stack tests host this code location. It holds everyday work, and unusual user code."""
