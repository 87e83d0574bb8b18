"""Reports of a run for people: tables, figures, the model card."""
