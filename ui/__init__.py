"""Front ends: each brings a question to the assistant and its answer to a reader."""
