"""LabQA: finds which testing laboratory is wrong, by how much, and how sure that is."""
