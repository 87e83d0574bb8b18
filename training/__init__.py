"""The offline job: trains a classifier, measures it, exports it as a bundle."""
