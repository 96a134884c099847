"""Training: the run directory (`run`), the loop (`train`), its process (`worker`), what is kept (`checkpoint`, `card`)."""
