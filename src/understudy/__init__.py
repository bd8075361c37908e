"""understudy: transfer learning in recurrent text models."""

__version__ = "0.1.0"
