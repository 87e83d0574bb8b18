"""Evaluation of bundles: predictions for unseen texts, metrics, baselines, ablation."""
