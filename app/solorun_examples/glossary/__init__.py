"""A glossary made from documents, in four steps: extract → generate → review → refine.

`write_project` declares it for a service; each step finds in the workspace what the one before it left there.
"""

from solorun_examples.glossary.declaration import default_documents, write_project

__all__ = ["default_documents", "write_project"]
