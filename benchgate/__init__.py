"""benchgate: tells a Rust team that a change made their async service slower."""

__version__ = "0.1.0"
