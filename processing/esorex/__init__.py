"""The MUSE pipeline, driven through esorex as a program: one private folder a run, checks before and after."""
