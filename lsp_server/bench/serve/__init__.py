"""`dlm-fill bench serve`: traffic.json, what an editor asked while somebody typed -> typists.py, many who type so -> servers.py,
at whom -> bench_serve.py, what comes of it. memory.py and both_ways.py measure the server itself.
"""
