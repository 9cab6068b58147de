"""What the denoising loop (`model.engine`) asks in each step: where to begin, what may stand where, what to give up."""
