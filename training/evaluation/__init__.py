"""How good a bundle is: predictions for texts it has not seen, metrics, baselines, ablation."""
