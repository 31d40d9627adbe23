"""Neural Body Fitting (Omran et al., 3DV 2018)."""
