"""The page on which every run of a study can be looked at: its data, its rules, its drawing."""
