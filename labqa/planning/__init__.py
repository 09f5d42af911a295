"""What next year's retests must be so that the laboratories can be judged: designs, and what evidence each would give."""
