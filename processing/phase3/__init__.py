"""ESO's Phase 3: what a survey's products must say of themselves when they go to ESO, and whether they do."""
