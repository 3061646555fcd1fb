"""Side-by-side timings that a user can run: each module has `run(options)`."""
