"""Files that people have on their disks: GGUF networks of the architectures qwen2 and llama, converted once for our runtime."""
