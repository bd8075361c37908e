"""Reading of labelled texts, and of texts to classify, from whatever holds them."""
