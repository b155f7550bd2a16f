"""Makes a glossary from documents in four steps: extract → generate → review → refine.

`write_project` declares the project. Each step reads the file that the previous one left in the workspace.
"""

from solorun_examples.glossary.project import DOCUMENTS, write_project

__all__ = ["DOCUMENTS", "write_project"]
