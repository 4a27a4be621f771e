"""A project's settings and files, read into a place."""

from gridplan.project.read import Project, open_project, read_project

__all__ = ["Project", "open_project", "read_project"]
