"""What the endpoint costs, in time and in memory: see docs/performance.md."""
