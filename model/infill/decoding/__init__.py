"""What the denoising loop (`model.infill.decoding.diffusion`) asks in each step: where to begin, what may stand where, what to give up."""
