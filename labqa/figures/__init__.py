"""Figures as data: a chart decides everything in a frozen Spec, which a screen (plotly) and a paper (typst) renderer draw."""
