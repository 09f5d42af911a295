"""Repeatability and reproducibility: experiments, outliers, nested designs, homogeneity, dependence on the level."""
