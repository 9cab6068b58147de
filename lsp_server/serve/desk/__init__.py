"""Who is served next: the queue, what is shed from it, and the threads that fill."""
