"""First files of a project, a study or a plug-in, each complete and commented."""
