"""How imageregion compares with other libraries: the same results first, then the time.

Everything runs on one thread. Most libraries read how many they may use when they are imported, so
it is said here, before any of them is.
"""

import os

for _name in ("NUMBA", "OMP", "OPENBLAS", "GDAL"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")
