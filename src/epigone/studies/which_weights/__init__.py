"""The study `which-weights`: which weights of a pretrained network to retrain for one writer."""
