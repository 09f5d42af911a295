"""What grades and results beyond a reporting limit say of laboratories: intervals on a latent scale."""
