"""Kernels of the statistics: arrays in, small tuples out; NumPy, SciPy, numba and statsmodels only, never a frame."""
