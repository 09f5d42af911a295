"""From facts to indicators: frames in, frames out; contains no formula of its own."""
