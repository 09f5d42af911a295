"""How laboratories agree where a result is yes or no, without claiming to know which answer is right."""
