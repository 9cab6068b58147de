"""What the clients of others send, one file a dialect: each makes an `Ask` of it, and its reply of the `Answer`."""
