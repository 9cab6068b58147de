"""Forward passes over holes as a GPU wants them: few shapes, captured once and replayed, one transfer back."""
