"""The same app over replicas of Ray Serve.

desk.py: a desk whose fills are made elsewhere, and made again where a replica was lost -> ray_replicas.py: Ray's way there
-> replica.py: what runs there. application.py puts them together, run.py is `dlm-fill serve --ray`.
"""

from lsp_server.serve.fleet.application import app as app
