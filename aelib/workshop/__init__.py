"""What only the makers of the course run: training the zoo, measuring, publishing.

A reader needs nothing of this. `MODULES` lists it in reading order: each module imports only
the library and the modules before it.
"""

MODULES = (
    "batch_last",
    "running",
    "measuring",
    "comparing",
    "tuning",
    "sweep",
    "cluster",
    "pictures",
    "readme",
    "figures",
    "notebooks",
    "chapter",
    "book",
    "latency",
    "memory",
    "benchmark",
)
