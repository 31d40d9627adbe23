"""RootNet of 3DMPPE (Moon, Chang and Lee, ICCV 2019)."""
