"""From a trained model to a released bundle: export, goldens, checks, promotion."""
