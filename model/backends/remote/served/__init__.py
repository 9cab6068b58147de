"""A server of our own (`dlm-fill serve`) as a back end, and what fills while it is away."""
