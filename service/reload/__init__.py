"""Hot reload: finds newer bundles, validates them in a subprocess, replaces the served model."""
