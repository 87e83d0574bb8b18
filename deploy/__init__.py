"""Ways to run the model elsewhere than in a service's process."""
