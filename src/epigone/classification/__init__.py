"""Classification: labelled texts to classifiers, and texts to labels."""
